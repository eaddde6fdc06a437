import { Queue } from 'bullmq';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { createCapacities } from '../../functions/forward/capacity.ts';
import { retentionUsed } from '../../functions/forward/retention.ts';
import type { Command } from '../../functions/redis/port.ts';
import { adminRedis, ownPrefix, runConnection } from '../redis.ts';
import { createWorld, type World } from './world.ts';

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

  test('a run that ends early also tells of what it did not read', async () => {
    const { world, addJobs } = await worldOf(1000);
    await addJobs(100);

    expect(await usedBy(world.run({ drain: AbortSignal.abort() }))).toEqual([['q', 20]]);
    await addJobs(50);
    expect(await usedBy(world.run({ settings: { sweepSize: 10 } }))).toEqual([['q', 30]]);
  });

  test('a backlog that Redis trimmed took more than all', async () => {
    const { world, addJobs } = await worldOf(100);
    await addJobs(400);

    const report = await world.run();

    expect(report.incidents).toBe(1);
    expect(report.retentionUsed).toEqual(new Map([['q', 800]]));
  });

  test('a queue seen first took nothing: nothing of it can be lost yet', async () => {
    const world = await createWorld();
    await world.admin.xadd(world.key('q'), '*', 'event', 'drained');

    expect(await usedBy(world.run())).toEqual([]);
  });
});

describe('the capacity of a stream', () => {
  const position = { id: '1-0', ordinal: 1, digest: '' };
  const cursorOf = (queue: string) => ({ queue, position, anchors: [] });

  test('is what BullMQ keeps by itself where nothing is set, and is not known of one that keeps nothing', async () => {
    const prefix = ownPrefix();
    const admin = adminRedis();
    await admin.hset(`${prefix}:set:meta`, 'opts.maxLenEvents', 500);
    await admin.hset(`${prefix}:none:meta`, 'opts.maxLenEvents', 0);
    await admin.hset(`${prefix}:odd:meta`, 'opts.maxLenEvents', 'many');
    const queues = ['set', 'unset', 'none', 'odd'];

    const used = await retentionUsed(
      createCapacities(await runConnection(), prefix),
      queues.map(cursorOf),
      new Map(queues.map((queue) => [queue, 100])),
    );

    expect([...used]).toEqual([
      ['set', 20],
      ['unset', 1],
    ]);
  });

  test('is asked for in one pipeline, of busy queues only', async () => {
    const connection = await runConnection();
    const sent: (readonly Command[])[] = [];
    const watched = {
      ...connection,
      send: (commands: readonly Command[]) => {
        sent.push(commands);
        return connection.send(commands);
      },
    };
    const cursors = ['a', 'b', 'idle'].map(cursorOf);
    const counts = [['a', 1] as const, ['b', 1] as const, ['idle', 0] as const];
    await retentionUsed(createCapacities(watched, 'p'), cursors, new Map(counts));
    await retentionUsed(createCapacities(watched, 'p'), cursors, new Map());

    expect(sent).toEqual([
      [
        ['hmget', 'p:a:meta', 'opts.maxLenEvents'],
        ['hmget', 'p:b:meta', 'opts.maxLenEvents'],
      ],
    ]);
  });

  test('that a user may not ask for leaves the forecast out, says why, and fails nothing', async () => {
    const { world, addJobs } = await worldOf(1000);
    const { prefix } = world.settings;
    await world.admin.call(
      ...(['ACL', 'SETUSER', prefix, 'on', '>secret', 'resetkeys', `%R~${prefix}:*`, '-@all'] as const),
      ...['+xrange', '+xinfo|stream', '+multi', '+exec'],
    );
    onTestFinished(async () => {
      await world.admin.call('ACL', 'DELUSER', prefix);
    });
    const { host } = new URL(inject('redisUrl'));
    await addJobs(1);

    const report = await world.run({ redisUrl: `redis://${prefix}:secret@${host}` });

    expect(report).toMatchObject({ caughtUp: true, backlog: 0, retentionUsed: undefined });
    expect(report.warnings).toEqual([expect.stringMatching(/asking what streams keep.* may not do this .*\+hmget/)]);
  });
});
