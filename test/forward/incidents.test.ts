import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { compareIds } from '../../functions/stream/id.ts';
import type { Loss } from '../../functions/stream/position.ts';
import { startRedis } from '../../local/redis.ts';
import { adminRedis } from '../redis.ts';
import { missing, ownServer, startReplica, testWhere } from '../replicas.ts';
import { createWorld, type World } from './world.ts';

/** Adds `count` events, the first of them of job `from`. */
async function add(admin: Redis, world: World, from: number, count: number): Promise<void> {
  const pipeline = admin.pipeline();
  for (let n = from; n < from + count; n += 1)
    pipeline.xadd(world.key('q'), '*', 'event', 'completed', 'jobId', n, 'returnvalue', 'null');
  await pipeline.exec();
}

const upTo = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

/** The jobs whose events arrived, each as often as it came. */
const arrived = ({ bus }: World) =>
  bus.accepted
    .flatMap(({ Source, detail }) => (Source === 'bullmq' ? Number(detail['jobId']) : []))
    .sort((a, b) => a - b);
const news = ({ bus }: World) =>
  bus.accepted.filter(({ Source }) => Source === 'bullbridge').map(({ detail }) => detail);

/** Holds the only incident so far against what it should be, on the bus and in the ledger. */
async function expectIncident(world: World, incident: Partial<Loss>): Promise<void> {
  expect(news(world)).toMatchObject([incident]);
  expect(await world.gaps()).toMatchObject([{ ...incident, revision: 1 }]);
}

async function expectNone(world: World): Promise<void> {
  expect(news(world)).toEqual([]);
  expect(await world.gaps()).toEqual([]);
}

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

  test('is in the ledger as it is told, before it is told and before the position passes it', async () => {
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

  test('that cannot be written down ends the run; nothing is told, and the position stays', async () => {
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
    await expectIncident(world, { reason: 'trimmed', lost: 8, exact: true });
  });

  test('that is found again is the same news and the same row', async () => {
    const world = await worldWithGap();
    await expect(world.run({ around: failing('position') })).rejects.toMatchObject({ code: 'TABLE_UNAVAILABLE' });
    world.advance(1000);

    await world.run();

    const [first, again] = news(world);
    expect(again).toEqual({ ...first, detectedAt: expect.any(String) });
    expect(await world.gaps()).toMatchObject([{ lost: 8, revision: 1 }]);
  });

  test('that there is none of costs no write', async () => {
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

describe('a stream that begins anew', () => {
  test("by BullMQ's obliterate is a reset, and all of the new one arrives", async () => {
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

  test('by FLUSHALL is a reset, found once while it is gone, and all of the new one arrives', async () => {
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

describe('a failover to a replica', () => {
  /** A primary whose events up to 200 have been replicated; up to 250 were read, and the last of them may not be there. */
  async function failOver(world: World, { lag, secondsBehind }: { lag: number; secondsBehind: number }) {
    const primary = await ownServer(['--repl-diskless-sync-delay', '0']);
    const replica = await startReplica(primary, { secondsBehind });
    const readPrimary = () => world.run({ redisUrl: primary.url });
    await add(primary.admin, world, 1, 200);
    await readPrimary();
    await add(primary.admin, world, 201, 50 - lag);
    await replica.waitFor();
    await replica.promote();
    await add(primary.admin, world, 251 - lag, lag);
    await readPrimary();
    expect(arrived(world)).toEqual(upTo(1, 250));
    await expectNone(world);
    const { position } = (await world.checkpoint('q')) ?? {};
    return { replica, position, readReplica: () => world.run({ redisUrl: replica.url }) };
  }

  const lastId = async (admin: Redis, world: World) =>
    (await admin.xrevrange(world.key('q'), '+', '-', 'COUNT', 1))[0]?.[0] ?? '';
  const time = (id = '') => Number(id.split('-')[0]);

  testWhere(missing.server)('that has everything is no incident', async () => {
    const world = await createWorld();
    const { replica, readReplica } = await failOver(world, { lag: 0, secondsBehind: 0 });
    await add(replica.admin, world, 251, 80);
    await readReplica();

    await expectNone(world);
    expect(arrived(world)).toEqual(upTo(1, 330));
  });

  testWhere(missing.server)('that lags is a roll-back, and all that it has since arrives', async () => {
    const world = await createWorld();
    const { replica, position, readReplica } = await failOver(world, { lag: 50, secondsBehind: 0 });
    await add(replica.admin, world, 1001, 80);
    await readReplica();

    await expectIncident(world, { reason: 'rolled-back', lost: 0, exact: false, afterId: position?.id ?? '' });
    // From the newest position that is still there: nothing before it comes again.
    expect(arrived(world)).toEqual([...upTo(1, 250), ...upTo(1001, 1080)]);
  });

  testWhere(missing.server)('that lags and has received nothing yet is a roll-back, too', async () => {
    const world = await createWorld();
    const { replica, readReplica } = await failOver(world, { lag: 50, secondsBehind: 0 });
    await readReplica();
    await add(replica.admin, world, 1001, 80);
    await readReplica();

    await expectIncident(world, { reason: 'rolled-back', lost: 0, exact: false });
    expect(arrived(world)).toEqual([...upTo(1, 250), ...upTo(1001, 1080)]);
  });

  testWhere(missing.server ?? missing.clock)(
    'whose clock is 10 s behind, and has everything, is no incident',
    async () => {
      const world = await createWorld();
      const { replica, position, readReplica } = await failOver(world, { lag: 0, secondsBehind: 10 });
      await add(replica.admin, world, 251, 80);
      expect(time(await lastId(replica.admin, world))).toBe(time(position?.id));
      await readReplica();

      await expectNone(world);
      expect(arrived(world)).toEqual(upTo(1, 330));
    },
  );

  testWhere(missing.server ?? missing.clock)(
    'that lags and whose clock is 10 s behind is a roll-back, and its events with ids below the position arrive',
    async () => {
      const world = await createWorld();
      const { replica, position, readReplica } = await failOver(world, { lag: 50, secondsBehind: 10 });
      await add(replica.admin, world, 1001, 80);
      expect(compareIds(await lastId(replica.admin, world), position?.id ?? '')).toBeLessThan(0);
      await readReplica();
      await add(replica.admin, world, 1081, 20);
      await readReplica();

      await expectIncident(world, { reason: 'rolled-back', lost: 0, exact: false, afterId: position?.id ?? '' });
      expect(arrived(world)).toEqual([...upTo(1, 250), ...upTo(1001, 1100)]);
    },
  );

  testWhere(missing.server ?? missing.clock)(
    'that lags and whose clock was 10 s behind is a roll-back also after the clock has passed the position',
    async () => {
      const world = await createWorld();
      const { replica, position, readReplica } = await failOver(world, { lag: 50, secondsBehind: 10 });
      await add(replica.admin, world, 1001, 80);
      expect(compareIds(await lastId(replica.admin, world), position?.id ?? '')).toBeLessThan(0);
      replica.mendClock();
      await add(replica.admin, world, 1081, 20);
      expect(compareIds(await lastId(replica.admin, world), position?.id ?? '')).toBeGreaterThan(0);
      await readReplica();

      await expectIncident(world, { reason: 'rolled-back', lost: 0, exact: false, afterId: position?.id ?? '' });
      expect(arrived(world)).toEqual([...upTo(1, 250), ...upTo(1001, 1100)]);
    },
  );
});
