import { describe, expect, test } from 'vitest';
import type { Shard } from '../../functions/forward/shard.ts';
import { queuesOf } from '../../functions/forward/shard.ts';
import type { StartFrom } from '../../functions/start-from.ts';
import { testWith } from '../test-with.ts';
import { createWorld, type World } from './world.ts';

const testCounting = testWith('counting server');

const NOW: StartFrom = { default: 'now', queues: new Map() };

let added = 0;

/** Adds events of the given jobs, at the time of the world's clock. */
async function add(world: World, queue: string, ...jobs: string[]): Promise<void> {
  const pipeline = world.admin.pipeline();
  for (const job of jobs)
    pipeline.xadd(
      world.key(queue),
      `${world.now().getTime()}-${++added}`,
      'event',
      'completed',
      'jobId',
      job,
      'returnvalue',
      '1',
    );
  await pipeline.exec();
}

/** The jobs whose events arrived. */
const arrived = ({ bus }: World) => bus.accepted.map(({ detail }) => detail['jobId']).sort();

async function startWorld(startFrom: StartFrom): Promise<World> {
  return createWorld({ queues: '*', startFrom });
}

describe('the first position of a queue', () => {
  test('is its oldest entry by default', async () => {
    const world = await startWorld({ default: 'beginning', queues: new Map() });
    await add(world, 'q', 'old');
    world.advance(1000);
    await world.run();

    expect(arrived(world)).toEqual(['old']);
  });

  testCounting('is behind the entries before the first run, with `now`', async () => {
    const world = await startWorld(NOW);
    await add(world, 'q', 'old 1', 'old 2', 'old 3');
    world.advance(1000);
    await world.run();
    await add(world, 'q', 'new 1', 'new 2');
    await world.run();

    expect(arrived(world)).toEqual(['new 1', 'new 2']);
    expect(world.bus.accepted.map(({ detail }) => detail['sequence'])).toEqual([4, 5]);
    expect(await world.gaps()).toEqual([]);
  });

  test.each([0, 1])('is its beginning if it appears later, even with `now` and %i queues before it', async (queues) => {
    const world = await startWorld(NOW);
    if (queues === 1) await add(world, 'q', 'old');
    world.advance(1000);
    await world.run();
    world.advance(60_000);
    await add(world, 'later', 'first', 'second');
    world.advance(60_000);
    await world.run();

    expect(arrived(world)).toEqual(['first', 'second']);
  });

  testCounting('is its beginning also if its stream was empty at the first run', async () => {
    const world = await createWorld({ queues: ['emptied', 'missing'], startFrom: NOW });
    await add(world, 'emptied', 'old');
    await world.admin.xtrim(world.key('emptied'), 'MAXLEN', 0);
    world.advance(1000);
    await world.run();
    await add(world, 'emptied', 'first');
    await add(world, 'missing', 'second');
    world.advance(1000);
    await world.run();

    expect(arrived(world)).toEqual(['first', 'second']);
    expect(await world.gaps()).toEqual([]);
  });

  test('is the same for each shard, whichever runs first', async () => {
    const world = await startWorld(NOW);
    const shards: Shard[] = [0, 1].map((index) => ({ index, count: 2 }));
    const [one = '', other = ''] = shards.map((shard) => queuesOf(shard, ['a', 'b', 'c', 'd', 'e', 'f'])[0]);
    await add(world, one, 'old');
    await add(world, other, 'old');
    world.advance(1000);
    await world.run({ shard: { index: 0, count: 2 } });
    world.advance(1000);
    await add(world, one, 'new, of the first shard');
    await add(world, other, 'new, of the second');
    world.advance(1000);
    for (const shard of shards) await world.run({ shard });

    expect(arrived(world)).toEqual(['new, of the first shard', 'new, of the second']);
  });

  test('stays where the first run has saved it, whatever fails after that', async () => {
    const world = await startWorld(NOW);
    await add(world, 'q', 'old');
    let positions = 0;
    await expect(
      world.run({
        around: async (call, row) => {
          if (row?.endsWith('position')) positions += 1;
          if (row?.endsWith('position') && positions > 1) throw new Error('no answer');
          if (row === undefined && positions > 0) throw new Error('Redis and the bus are gone');
          return call();
        },
      }),
    ).rejects.toThrow();
    await add(world, 'q', 'new 1');
    world.advance(60_000);
    await add(world, 'q', 'new 2');
    await world.run();

    expect(arrived(world)).toEqual(['new 1', 'new 2']);
  });

  test.each([-120_000, 120_000])('is the same if the clock of Redis is off by %d ms', async (skew) => {
    const world = await createWorld({ queues: '*', startFrom: NOW });
    world.advance(skew);
    await add(world, 'q', 'old');
    world.advance(-skew);
    await world.run();
    world.advance(skew + 1000);
    await add(world, 'q', 'new');
    await add(world, 'later', 'first');
    world.advance(-skew);
    await world.run();

    expect(arrived(world)).toEqual(['first', 'new']);
    expect(await world.gaps()).toEqual([]);
  });

  test('is behind its newest entry, however many more come before it is read', async () => {
    const world = await createWorld({ queues: ['q'], startFrom: NOW, sweepSize: 10 });
    await world.admin.xadd(world.key('q'), '1-0', 'event', 'completed', 'jobId', 'old', 'returnvalue', '1');
    await world.run({ drain: AbortSignal.abort() });
    const jobs = Array.from({ length: 25 }, (_, n) => `new ${n}`);
    await add(world, 'q', ...jobs);
    await world.run();

    expect(arrived(world)).toEqual([...jobs].sort());
  });

  test('can be different for single queues', async () => {
    const world = await startWorld({ default: 'now', queues: new Map([['emails', 'beginning']]) });
    for (const queue of ['emails', 'payments']) await add(world, queue, `old, of ${queue}`);
    world.advance(1000);
    await world.run();
    for (const queue of ['emails', 'payments']) await add(world, queue, `new, of ${queue}`);
    await world.run();

    expect(arrived(world)).toEqual(['new, of emails', 'new, of payments', 'old, of emails']);
  });

  test('is its beginning if `now` was configured after the first run, and the queue appeared later', async () => {
    const world = await startWorld({ default: 'beginning', queues: new Map() });
    await add(world, 'q', 'old');
    await world.run();
    world.advance(1000);
    await world.run({ settings: { startFrom: NOW } });
    await add(world, 'later', 'first');
    world.advance(1000);
    await world.run({ settings: { startFrom: NOW } });

    expect(arrived(world)).toEqual(['first', 'old']);
  });

  testCounting('is saved once, and needs no row if its stream appeared later', async () => {
    const world = await startWorld(NOW);
    const rows: string[] = [];
    const run = () =>
      world.run({
        around: async (call, row) => {
          if (row && !row.endsWith('lease')) rows.push(row);
          return call();
        },
      });
    await add(world, 'q', 'old');
    await run();
    await run();

    const { prefix } = world.settings;
    expect(rows).toEqual([`default/${prefix}:q position`, `default/${prefix} start`]);
    await world.admin.xadd(world.key('later'), '*', 'event', 'active');
    await world.admin.xtrim(world.key('later'), 'MAXLEN', 0);
    await run();
    expect((await world.gaps()).map(({ queue, lost, exact }) => [queue, lost, exact])).toEqual([['later', 1, true]]);
  });
});

describe('an entry that was trimmed before a queue was first read', () => {
  const fill = async (world: World, queue: string, count: number, kept: number) => {
    const jobs = Array.from({ length: count }, (_, n) => `${n}`);
    await add(world, queue, ...jobs);
    await world.admin.xtrim(world.key(queue), 'MAXLEN', kept);
  };
  const losses = async (world: World) =>
    (await world.gaps()).map(({ queue, lost, exact, reason }) => ({ queue, lost, exact, reason }));

  testCounting('is lost if a run had named the queue before its stream existed', async () => {
    const world = await createWorld({ queues: ['q'] });
    await world.run();
    await fill(world, 'q', 25, 10);

    await world.run();

    expect(await losses(world)).toEqual([{ queue: 'q', lost: 15, exact: true, reason: 'trimmed' }]);
    expect(arrived(world)).toHaveLength(11);
  });

  testCounting('is lost if a scan of all keys had not found the queue', async () => {
    const world = await startWorld({ default: 'beginning', queues: new Map() });
    await fill(world, 'other', 1, 1);
    await world.run();
    await fill(world, 'q', 25, 10);

    await world.run();

    expect(await losses(world)).toEqual([{ queue: 'q', lost: 15, exact: true, reason: 'trimmed' }]);
  });

  testCounting('is lost if there was no queue at all in the first scan', async () => {
    const world = await startWorld(NOW);
    await world.run();
    await fill(world, 'q', 25, 10);

    await world.run();

    expect(await losses(world)).toMatchObject([{ queue: 'q', lost: 15 }]);
  });

  testCounting('is lost from the first run on, also if that run read nothing', async () => {
    const world = await createWorld({ queues: ['q'] });
    await fill(world, 'q', 25, 10);
    await world.run({ drain: AbortSignal.abort() });
    await world.admin.xtrim(world.key('q'), 'MAXLEN', 4);

    await world.run();

    expect(await losses(world)).toEqual([{ queue: 'q', lost: 6, exact: true, reason: 'trimmed' }]);
  });

  test('does not count as lost before the first run, or before the queue was named', async () => {
    const world = await createWorld({ queues: ['q'] });
    await fill(world, 'q', 25, 10);
    await world.run();
    await fill(world, 'named later', 25, 10);
    await world.run({ settings: { queues: ['q', 'named later'] } });
    await world.run({ settings: { queues: '*' } });

    expect(await losses(world)).toEqual([]);
  });

  testCounting('does not count as lost while the first scan of all keys is not complete', async () => {
    const world = await startWorld({ default: 'beginning', queues: new Map() });
    const found = (queues: readonly string[], isWhole: boolean) => ({
      ...world.warm,
      discoverQueues: async () => ({ queues, isWhole }),
    });
    await fill(world, 'a', 25, 10);
    await fill(world, 'b', 25, 10);
    await world.run({ container: found(['a'], false) });
    await world.run({ container: found(['a', 'b'], true) });
    expect(await losses(world)).toEqual([]);
    await fill(world, 'c', 25, 10);

    await world.run({ container: found(['a', 'b', 'c'], true) });

    expect(await losses(world)).toMatchObject([{ queue: 'c', lost: 15 }]);
  });

  testCounting('is known for the queues of all shards by the first run of any', async () => {
    const world = await startWorld({ default: 'beginning', queues: new Map() });
    const shards: Shard[] = [0, 1].map((index) => ({ index, count: 2 }));
    const [one = '', other = ''] = shards.map((shard) => queuesOf(shard, ['a', 'b', 'c', 'd', 'e', 'f'])[0]);
    await fill(world, one, 25, 10);
    await fill(world, other, 25, 10);
    await world.run({ shard: { index: 0, count: 2 } });
    await world.admin.xtrim(world.key(other), 'MAXLEN', 7);

    await world.run({ shard: { index: 1, count: 2 } });

    expect(await losses(world)).toEqual([{ queue: other, lost: 3, exact: true, reason: 'trimmed' }]);
  });
});
