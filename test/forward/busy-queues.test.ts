import { describe, expect, test } from 'vitest';
import { skipWithout } from '../test-with.ts';
import { type Around, createWorld, type World } from './world.ts';

skipWithout('counting server');

/** Adds events whose ids have these times, in milliseconds. */
async function addAt(world: World, queue: string, times: readonly number[]): Promise<void> {
  for (let from = 0; from < times.length; from += 1000) {
    const pipeline = world.admin.pipeline();
    for (const ms of times.slice(from, from + 1000)) pipeline.xadd(world.key(queue), `${ms}-*`, 'event', 'completed');
    await pipeline.exec();
  }
}

const spread = (count: number, from: number, to: number) =>
  Array.from({ length: count }, (_, n) => Math.floor(from + ((to - from) * n) / count));

const countOf = (world: World, queue: string) =>
  world.bus.accepted.filter(({ Source, detail }) => Source === 'bullmq' && detail['queue'] === queue).length;

describe('a busy queue next to a backlog', () => {
  /** Entries that come to the hot queue, 20 a second, and that its stream keeps. */
  const [HOT, KEPT] = [200, 50];

  /** Adds an entry to a hot queue at each request to the bus, while time passes. */
  async function besideBacklogs(backlogs: readonly string[], entries: number, bytes = 1) {
    const world = await createWorld({ queues: [...backlogs, 'hot'], sweepSize: 100 });
    for (const queue of backlogs) {
      const pipeline = world.admin.pipeline();
      for (let n = 0; n < entries; n += 1)
        pipeline.xadd(world.key(queue), '*', 'event', 'completed', 'returnvalue', 'x'.repeat(bytes));
      await pipeline.exec();
    }
    await world.run({ drain: AbortSignal.abort() });
    let added = 0;
    const around: Around = async (call) => {
      const sent = world.bus.requests.length;
      const result = await call();
      if (world.bus.requests.length > sent && added < HOT) {
        added += 1;
        world.advance(50);
        await world.admin.xadd(world.key('hot'), 'MAXLEN', KEPT, '*', 'event', 'completed');
      }
      return result;
    };
    const report = await world.run({ around });
    return { world, report, added };
  }

  test.each([
    ['one', ['a'], 3000, 1],
    ['several', ['a', 'b', 'c'], 1000, 1],
    ['one of large entries', ['a'], 2100, 5_000],
  ])('loses nothing next to %s', async (_, backlogs, entries, bytes) => {
    const { world, report, added } = await besideBacklogs(backlogs, entries, bytes);

    // More than its stream keeps, three times over.
    expect(added).toBeGreaterThan(3 * KEPT);
    expect(report.incidents).toBe(0);
    // The last ones may have come after the last look.
    expect((await world.run()).incidents).toBe(0);
    expect(countOf(world, 'hot')).toBe(added);
  });
});

describe('a run decides to listen', () => {
  /** Whether a run that has caught up listens, what it warns of, and what it says of the queue's retention. */
  async function afterCatchingUp(world: World) {
    const drain = new AbortController();
    let listens = false;
    const run = world.run({
      settings: { tail: 'auto' },
      drain: drain.signal,
      onListening: () => {
        listens = true;
        drain.abort();
      },
    });
    const report = await run;
    return { listens, report };
  }

  test('if a producer trims the stream below its setting', async () => {
    const world = await createWorld();
    await world.admin.hset(`${world.settings.prefix}:q:meta`, 'opts.maxLenEvents', 10_000);
    const now = world.now().getTime();
    await addAt(world, 'q', spread(100, now - 3_600_000, now - 3_000_000));
    await world.run();
    await addAt(world, 'q', spread(700, now - 55_000, now));
    await world.admin.xtrim(world.key('q'), 'MAXLEN', 300);

    const { listens, report } = await afterCatchingUp(world);

    expect(listens).toBe(true);
    expect(report.retentionUsed?.get('q')).toBeGreaterThanOrEqual(100);
  });

  test('if the last stretch was busy, after an idle hour', async () => {
    const world = await createWorld();
    const now = world.now().getTime();
    await addAt(world, 'q', [now - 3_600_000]);
    await world.run();
    await addAt(world, 'q', spread(4000, now - 20_000, now));

    expect((await afterCatchingUp(world)).listens).toBe(true);
  });

  test('also next to a queue whose entries are too large to be read together', async () => {
    const world = await createWorld({ queues: ['large', 'q'] });
    const now = world.now().getTime();
    for (const ms of [1, 2])
      await world.admin.xadd(world.key('large'), `${now - 9000 + ms}-*`, 'event', 'x', 'data', 'x'.repeat(7_000_000));
    await addAt(world, 'q', [now - 3_600_000]);
    await world.run();
    await world.admin.xadd(world.key('large'), `${now}-*`, 'event', 'x', 'data', 'x'.repeat(7_000_000));
    await addAt(world, 'q', spread(4000, now - 20_000, now));

    const { listens, report } = await afterCatchingUp(world);

    expect([listens, report.warnings]).toEqual([true, []]);
  });

  test('if Redis does not report the capacity of a stream', async () => {
    const world = await createWorld();
    await world.admin.set(`${world.settings.prefix}:q:meta`, 'no hash');
    await addAt(world, 'q', [world.now().getTime()]);

    const { listens, report } = await afterCatchingUp(world);

    expect(listens).toBe(true);
    expect(report.warnings.join()).toContain('asking how many entries a stream keeps');
  });

  test('but not if few entries come', async () => {
    const world = await createWorld();
    const now = world.now().getTime();
    await addAt(world, 'q', spread(100, now - 50_000, now));

    expect((await afterCatchingUp(world)).listens).toBe(false);
  });
});
