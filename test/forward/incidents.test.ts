import { Queue } from 'bullmq';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { startRedis } from '../../local/redis.ts';
import { adminRedis } from '../redis.ts';
import { skipWithout } from '../test-with.ts';
import { add, arrived, expectIncident, expectNone, news, upTo } from './incidents.ts';
import { type Around, createWorld, type World } from './world.ts';

skipWithout('counting server');

describe('a gap', () => {
  async function worldWithGap(): Promise<World> {
    const world = await createWorld();
    await add(world.admin, world, 1, 10);
    await world.run();
    await add(world.admin, world, 11, 20);
    await world.admin.xtrim(world.key('q'), 'MAXLEN', 12);
    return world;
  }

  /** Fails the writing of rows whose key has a text in it. */
  const failing =
    (text: string) =>
    async <T>(call: () => Promise<T>, row = ''): Promise<T> => {
      if (row.includes(text)) throw new Error('no answer');
      return call();
    };

  test('is in the ledger as published, before it is published and before the position passes it', async () => {
    const world = await worldWithGap();
    const before = await world.checkpoint('q');
    const rows: string[] = [];
    let told = 0;

    const run = world.run({
      around: async (call, row) => {
        if (row && !row.includes('lease')) rows.push(row);
        if (row?.includes('gaps')) told = news(world).length;
        return call();
      },
    });

    expect((await run).incidents).toBe(1);
    expect(rows.map((row) => row.split(' ')[1])).toEqual([`q/${before?.position.id}`, 'position']);
    expect(told).toBe(0);
    const [oldest] = await world.admin.xrange(world.key('q'), '-', '+', 'COUNT', 1);
    await expectIncident(world, {
      reason: 'trimmed',
      lost: 8,
      exact: true,
      afterId: before?.position.id ?? '',
      beforeId: oldest?.[0] ?? '',
    });
    expect((await world.gaps())[0]?.detectedAt).toBe(Date.parse(String(news(world)[0]?.['detectedAt'])));
    expect(arrived(world)).toEqual([...upTo(1, 10), ...upTo(19, 30)]);
  });

  test('that cannot be written to the ledger ends the run; nothing is published, and the position stays', async () => {
    const world = await worldWithGap();
    const before = await world.checkpoint('q');

    await expect(world.run({ around: failing('gaps') })).rejects.toMatchObject({
      name: 'CheckpointError',
      code: 'TABLE_UNAVAILABLE',
    });

    expect(arrived(world)).toEqual(upTo(1, 10));
    await expectNone(world);
    expect(await world.checkpoint('q')).toEqual(before);
    await world.run();
    // The run that failed may have published some of them, as far as anybody can see.
    await expectIncident(world, { reason: 'trimmed', lost: 8, exact: false });
  });

  test('that is found again has the same event and the same row', async () => {
    const world = await worldWithGap();
    await expect(world.run({ around: failing('position') })).rejects.toMatchObject({ code: 'TABLE_UNAVAILABLE' });
    world.advance(1000);

    await world.run();

    const [first, again] = news(world);
    expect(again).toEqual({ ...first, exact: false, detectedAt: expect.any(String) });
    expect(await world.gaps()).toMatchObject([{ lost: 8, revision: 1 }]);
  });

  test('that does not exist costs no write', async () => {
    const world = await createWorld();
    await add(world.admin, world, 1, 10);
    const rows: string[] = [];

    await world.run({
      around: async (call, row) => {
        if (row) rows.push(row);
        return call();
      },
    });

    expect(rows.filter((row) => row.includes('gaps'))).toEqual([]);
    expect((await world.run()).incidents).toBe(0);
  });
});

describe('a stream that begins again', () => {
  test("by BullMQ's obliterate is a reset, and the whole new stream arrives", async () => {
    const world = await createWorld({ queues: ['emails'] });
    const { hostname: host, port } = new URL(inject('redisUrl'));
    const options = { prefix: world.settings.prefix, connection: { host, port: Number(port) } };
    const queue = new Queue('emails', options);
    onTestFinished(() => queue.close());
    await queue.addBulk(upTo(1, 20).map((n) => ({ name: 'send', data: {}, opts: { jobId: `old-${n}` } })));
    await world.run();
    const before = await world.checkpoint('emails');

    await queue.obliterate({ force: true });
    await queue.addBulk(upTo(1, 5).map((n) => ({ name: 'send', data: {}, opts: { jobId: `new-${n}` } })));
    await world.run();

    await expectIncident(world, { reason: 'reset', lost: 0, exact: false, afterId: before?.position.id ?? '' });
    const ids = new Set(world.bus.accepted.map(({ detail }) => detail['streamId']));
    for (const [id] of await world.admin.xrange(world.key('emails'), '-', '+')) expect(ids).toContain(id);
  });

  test('by FLUSHALL is a reset, found once while it is gone, and the whole new stream arrives', async () => {
    const redis = await startRedis();
    onTestFinished(() => redis[Symbol.asyncDispose]());
    const admin = adminRedis(redis.url);
    const world = await createWorld();
    await add(admin, world, 1, 20);
    await world.run({ redisUrl: redis.url });

    await admin.flushall();
    await world.run({ redisUrl: redis.url });
    await world.run({ redisUrl: redis.url });
    await add(admin, world, 21, 10);
    await world.run({ redisUrl: redis.url });

    await expectIncident(world, { reason: 'reset', lost: 0, exact: false, beforeId: null });
    expect(arrived(world)).toEqual(upTo(1, 30));
  });

  test.each([
    ['and nothing of the new one is trimmed', 250, 250, { reason: 'reset', lost: 0 }],
    ['and less of the new one is trimmed than was read', 150, 100, { reason: 'reset', lost: 50 }],
    ['and more of the new one is trimmed than was read, looks trimmed', 250, 100, { reason: 'trimmed', lost: 50 }],
  ] as const)('by DEL, %s', async (_, added, kept, incident) => {
    const world = await createWorld();
    await add(world.admin, world, 1, 100);
    await world.run();
    const { id } = (await world.checkpoint('q'))?.position ?? { id: '' };

    await world.admin.del(world.key('q'));
    await expect.poll(() => `${Date.now()}` > (id.split('-')[0] ?? ''), { interval: 1 }).toBe(true);
    await add(world.admin, world, 101, added);
    await world.admin.xtrim(world.key('q'), 'MAXLEN', kept);
    await world.run();

    await expectIncident(world, { ...incident, afterId: id });
    expect(arrived(world)).toEqual([...upTo(1, 100), ...upTo(101 + added - kept, 100 + added)]);
  });
});

describe('a gap that a crashed run may have published in part', () => {
  test('has no exact count, another id than the smaller gap, and one sum in the ledger', async () => {
    const world = await createWorld({ sweepSize: 10 });
    await add(world.admin, world, 1, 10);
    await world.run();
    await add(world.admin, world, 11, 250);
    await world.admin.xtrim(world.key('q'), 'MAXLEN', 150);
    await world
      .run({
        around: async (call, row) => {
          if (row?.endsWith('position')) throw new Error('killed before saving');
          return call();
        },
      })
      .catch(() => {});
    const first = news(world);
    await world.admin.xtrim(world.key('q'), 'MAXLEN', 100);
    world.advance(60_000);

    await world.run();

    expect(first).toMatchObject([{ lost: 100, exact: true }]);
    const [, second] = news(world);
    expect(second).toMatchObject({ lost: 150, exact: false, afterId: first[0]?.['afterId'] });
    expect(second?.['id']).not.toBe(first[0]?.['id']);
    expect(await world.gaps()).toMatchObject([{ lost: 150, exact: false }]);
  });

  test('is exact again for the next run, which begins at the saved position', async () => {
    const world = await createWorld();
    await add(world.admin, world, 1, 10);
    await world.run({ around: crashing() }).catch(() => {});
    world.advance(60_000);
    await world.run();
    await add(world.admin, world, 11, 50);
    await world.admin.xtrim(world.key('q'), 'MAXLEN', 20);

    await world.run();

    expect(news(world)).toMatchObject([{ lost: 30, exact: true }]);
  });
});

/** Fails each call from the third one to the bus or Redis on. */
function crashing(): Around {
  let calls = 0;
  return (call) => (calls++ > 4 ? Promise.reject(new Error('killed')) : call());
}
