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

describe('the retention used of a stream', () => {
  test('is reported by a run for the backlog that it found', async () => {
    const { world, addJobs } = await worldOf(1000);
    await addJobs(100);

    expect(await usedBy(world.run())).toEqual([['q', 20]]);
    expect(await usedBy(world.run())).toEqual([]);
  });

  testCounting('is reported also by a run that ends early, with unread entries', async () => {
    const { world, addJobs } = await worldOf(1000);
    await addJobs(100);

    expect(await usedBy(world.run({ drain: AbortSignal.abort() }))).toEqual([['q', 20]]);
    await addJobs(50);
    expect(await usedBy(world.run({ settings: { sweepSize: 10 } }))).toEqual([['q', 30]]);
  });

  testCounting('is more than the capacity of the stream for a trimmed backlog', async () => {
    const { world, addJobs } = await worldOf(100);
    await addJobs(400);
    const kept = await world.admin.xlen(world.key('q'));

    const report = await world.run();

    expect(report.incidents).toBe(1);
    expect(kept).toBeGreaterThan(100);
    expect(report.retentionUsed).toEqual(new Map([['q', (800 / kept) * 100]]));
  });

  testCounting('is at least 100 if any entry of the backlog was trimmed', async () => {
    const { world, addJobs } = await worldOf(10_000);
    await addJobs(50);
    await world.admin.xtrim(world.key('q'), 'MAXLEN', 98);
    await addJobs(3);

    expect((await usedBy(world.run()))[0]?.[1]).toBeGreaterThanOrEqual(100);
  });

  test('does not exist for a new queue, which cannot have lost entries yet', async () => {
    const world = await createWorld();
    await world.admin.xadd(world.key('q'), '*', 'event', 'drained');

    expect(await usedBy(world.run())).toEqual([]);
  });
});

describe('the capacity of a stream', () => {
  test("is BullMQ's setting or default, and is unknown if the setting is not a number", async () => {
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

  testCounting('is its length once it was trimmed, whatever the setting is', async () => {
    const prefix = ownPrefix();
    const admin = adminRedis();
    await admin.hset(`${prefix}:q:meta`, 'opts.maxLenEvents', 10_000);
    for (let n = 0; n < 20; n += 1) await admin.xadd(`${prefix}:q:events`, '*', 'n', n);
    await admin.xtrim(`${prefix}:q:events`, 'MAXLEN', 7);

    const capacities = await createCapacityReader(await runConnection(), prefix)(['q']);

    expect(capacities.get('q')?.entries).toBe(7);
  });

  test('is unknown if Redis refuses to show the stream', async () => {
    const prefix = ownPrefix();
    await adminRedis().set(`${prefix}:q:events`, 'text');

    expect((await createCapacityReader(await runConnection(), prefix)(['q'])).get('q')?.entries).toBeUndefined();
  });

  test('is read once in a run', async () => {
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

  test('that a user may not read leaves out the forecast, with the reason, and does not fail the run', async () => {
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
