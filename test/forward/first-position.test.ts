import { describe, expect, test } from 'vitest';
import type { Shard } from '../../functions/forward/shard.ts';
import { queuesOf } from '../../functions/forward/shard.ts';
import type { StartFrom } from '../../functions/start-from.ts';
import { createWorld, type World } from './world.ts';

const NOW: StartFrom = { default: 'now', queues: new Map() };

/** Adds events of the given jobs, at the time of the world's clock. */
async function add(world: World, queue: string, ...jobs: string[]): Promise<void> {
  const pipeline = world.admin.pipeline();
  pipeline.hset(`${world.settings.prefix}:${queue}:meta`, 'opts.maxLenEvents', 10_000);
  for (const job of jobs)
    pipeline.xadd(
      world.key(queue),
      `${world.now().getTime()}-*`,
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

describe('where a queue begins that is seen first', () => {
  test('is its oldest entry, unless it is told otherwise', async () => {
    const world = await startWorld({ default: 'beginning', queues: new Map() });
    await add(world, 'q', 'old');
    world.advance(1000);
    await world.run();

    expect(arrived(world)).toEqual(['old']);
  });

  test('is what comes from the first run on, with `now`', async () => {
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

  test.each([0, 1])(
    'is its beginning where it appears later, even with `now` and %i queues before it',
    async (queues) => {
      const world = await startWorld(NOW);
      if (queues === 1) await add(world, 'q', 'old');
      world.advance(1000);
      await world.run();
      world.advance(60_000);
      await add(world, 'later', 'first', 'second');
      world.advance(60_000);
      await world.run();

      expect(arrived(world)).toEqual(['first', 'second']);
    },
  );

  test('is its beginning also where its stream was empty at the first run', async () => {
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

  test('stays where it was after a crash before any position was saved', async () => {
    const world = await startWorld(NOW);
    await add(world, 'q', 'old');
    world.advance(1000);
    await expect(
      world.run({
        around: async (call, row) => {
          if (row?.endsWith('position')) throw new Error('no answer');
          return call();
        },
      }),
    ).rejects.toMatchObject({ code: 'TABLE_UNAVAILABLE' });
    expect(await world.checkpoint('q')).toBeUndefined();
    await add(world, 'q', 'new 1');
    world.advance(60_000);
    await add(world, 'q', 'new 2');
    await world.run();

    expect(arrived(world)).toEqual(['new 1', 'new 2']);
  });

  test('is the oldest entry rather than to miss one, where more has come since than a page takes', async () => {
    const world = await createWorld({ queues: ['q'], startFrom: NOW, sweepSize: 10 });
    await world.run();
    await world.admin.xadd(world.key('q'), '1-0', 'event', 'completed', 'jobId', 'old', 'returnvalue', '1');
    const jobs = Array.from({ length: 25 }, (_, n) => `new ${n}`);
    await add(world, 'q', ...jobs);
    await world.run();

    expect(arrived(world)).toEqual(['old', ...jobs].sort());
  });

  test('can be another one for single queues', async () => {
    const world = await startWorld({ default: 'now', queues: new Map([['emails', 'beginning']]) });
    for (const queue of ['emails', 'payments']) await add(world, queue, `old, of ${queue}`);
    world.advance(1000);
    await world.run();
    for (const queue of ['emails', 'payments']) await add(world, queue, `new, of ${queue}`);
    await world.run();

    expect(arrived(world)).toEqual(['new, of emails', 'new, of payments', 'old, of emails']);
  });

  test('is its beginning where `now` came into the configuration after bullbridge, and the queue after that', async () => {
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

  test('is found without a write where it is known, and without a row where nobody asks for it', async () => {
    const world = await startWorld(NOW);
    const rows: string[] = [];
    const run = (startFrom: StartFrom) =>
      world.run({
        settings: { startFrom },
        around: async (call, row) => {
          if (row?.endsWith('start')) rows.push(row);
          return call();
        },
      });

    await run({ default: 'beginning', queues: new Map() });
    expect(rows).toEqual([]);
    await run(NOW);
    await run(NOW);
    expect(rows).toEqual([`default/${world.settings.prefix} start`]);
  });
});
