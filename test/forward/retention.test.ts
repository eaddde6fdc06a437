import { Queue } from 'bullmq';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { createCapacityReader } from '../../functions/forward/stream-capacity.ts';
import type { Command } from '../../functions/redis/port.ts';
import { mayRead } from '../needs.ts';
import { adminRedis, ownPrefix, runConnection } from '../redis.ts';
import { testWith } from '../test-with.ts';
import { createWorld, type World } from './world.ts';

const testCounting = testWith('counting server');

/** A world whose queue `q` keeps so many events, and was seen before; a job that waits makes two of them. */
async function worldOf(maxLen: number): Promise<{ world: World; addJobs(count: number): Promise<void> }> {
  const world = await createWorld();
  const { hostname: host, port } = new URL(inject('redisUrl'));
  const queue = new Queue('q', {
    prefix: world.settings.prefix,
    connection: { host, port: Number(port) },
    streams: { events: { maxLen } },
  });
  onTestFinished(() => queue.close());
  const addJobs = async (count: number) => {
    await queue.addBulk(Array.from({ length: count }, () => ({ name: 'job', data: {} })));
  };
  await addJobs(1);
  await world.run();
  return { world, addJobs };
}

const usedBy = async (run: ReturnType<World['run']>) => [...((await run).retentionUsed ?? [])];

describe('of what a stream of BullMQ keeps', () => {
  test('a run tells how much the backlog took that it found', async () => {
    const { world, addJobs } = await worldOf(1000);
    await addJobs(100);

    expect(await usedBy(world.run())).toEqual([['q', 20]]);
    expect(await usedBy(world.run())).toEqual([]);
  });

  testCounting('a run that ends early also tells of what it did not read', async () => {
    const { world, addJobs } = await worldOf(1000);
    await addJobs(100);

    expect(await usedBy(world.run({ drain: AbortSignal.abort() }))).toEqual([['q', 20]]);
    await addJobs(50);
    expect(await usedBy(world.run({ settings: { sweepSize: 10 } }))).toEqual([['q', 30]]);
  });

  testCounting('a backlog that Redis trimmed took more than all that the stream shows that it keeps', async () => {
    const { world, addJobs } = await worldOf(100);
    await addJobs(400);
    const kept = await world.admin.xlen(world.key('q'));

    const report = await world.run();

    expect(report.incidents).toBe(1);
    expect(kept).toBeGreaterThan(100);
    expect(report.retentionUsed).toEqual(new Map([['q', (800 / kept) * 100]]));
  });

  testCounting('a backlog of which any entry was trimmed took all, even where the rest is small', async () => {
    const { world, addJobs } = await worldOf(10_000);
    await addJobs(50);
    await world.admin.xtrim(world.key('q'), 'MAXLEN', 98);
    await addJobs(3);

    expect((await usedBy(world.run()))[0]?.[1]).toBeGreaterThanOrEqual(100);
  });

  test('a queue seen first took nothing: nothing of it can be lost yet', async () => {
    const world = await createWorld();
    await world.admin.xadd(world.key('q'), '*', 'event', 'drained');

    expect(await usedBy(world.run())).toEqual([]);
  });
});

describe('what a stream keeps', () => {
  test('is what BullMQ keeps by itself where nothing is set, and is unknown where that is no number', async () => {
    const prefix = ownPrefix();
    const admin = adminRedis();
    await admin.hset(`${prefix}:set:meta`, 'opts.maxLenEvents', 500);
    await admin.hset(`${prefix}:none:meta`, 'opts.maxLenEvents', 0);
    await admin.hset(`${prefix}:odd:meta`, 'opts.maxLenEvents', 'many');

    const capacities = await createCapacityReader(await runConnection(), prefix)(['set', 'unset', 'none', 'odd']);

    expect([...capacities].map(([queue, { entries }]) => [queue, entries])).toEqual([
      ['set', 500],
      ['unset', 10_000],
      ['none', 0],
      ['odd', undefined],
    ]);
  });

  testCounting('is what it shows once it was trimmed, whatever is set', async () => {
    const prefix = ownPrefix();
    const admin = adminRedis();
    await admin.hset(`${prefix}:q:meta`, 'opts.maxLenEvents', 10_000);
    for (let n = 0; n < 20; n += 1) await admin.xadd(`${prefix}:q:events`, '*', 'n', n);
    await admin.xtrim(`${prefix}:q:events`, 'MAXLEN', 7);

    const capacities = await createCapacityReader(await runConnection(), prefix)(['q']);

    expect(capacities.get('q')?.entries).toBe(7);
  });

  test('is unknown where Redis refuses to show the stream', async () => {
    const prefix = ownPrefix();
    await adminRedis().set(`${prefix}:q:events`, 'text');

    expect((await createCapacityReader(await runConnection(), prefix)(['q'])).get('q')?.entries).toBeUndefined();
  });

  test('is asked for once in a run', async () => {
    const connection = await runConnection();
    const sent: Command[] = [];
    const watched: typeof connection = {
      ...connection,
      send: (commands, limits) => {
        sent.push(...commands);
        return connection.send(commands, limits);
      },
    };
    const capacitiesOf = createCapacityReader(watched, 'p');
    await capacitiesOf(['a']);
    await capacitiesOf(['a', 'b']);
    await capacitiesOf([]);

    expect(sent.map(([name]) => name)).toEqual(['xinfoBuffer', 'hmget', 'xinfoBuffer', 'hmget']);
  });

  test('that a user may not ask for leaves the forecast out, says why, and fails nothing', async () => {
    const { world, addJobs } = await worldOf(1000);
    const { prefix } = world.settings;
    await world.admin.call(
      ...(['ACL', 'SETUSER', prefix, 'on', '>secret', 'resetkeys', mayRead(`${prefix}:*`), '-@all'] as const),
      ...['+xrange', '+xinfo|stream', '+multi', '+exec'],
    );
    onTestFinished(async () => {
      await world.admin.call('ACL', 'DELUSER', prefix);
    });
    const { host } = new URL(inject('redisUrl'));
    await addJobs(1);

    const report = await world.run({ redisUrl: `redis://${prefix}:secret@${host}` });

    expect(report).toMatchObject({ caughtUp: true, backlog: 0, retentionUsed: undefined });
    expect(report.warnings).toEqual([
      expect.stringMatching(/asking how many entries a stream keeps.* may not do this .*\+hmget/),
    ]);
  });
});
