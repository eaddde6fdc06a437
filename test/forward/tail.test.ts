import { setInterval } from 'node:timers/promises';
import { describe, expect, inject, test } from 'vitest';
import type { Report } from '../../functions/forward/run.ts';
import { createWorld, type World } from './world.ts';

const idsOf = ({ bus }: World) => bus.accepted.map(({ detail }) => detail['id'] as string);
const add = ({ admin, key }: World, n = 1, queue = 'q') => admin.xadd(key(queue), '*', 'event', 'completed', 'n', n);
const arrived = (world: World, count: number) =>
  expect.poll(() => new Set(idsOf(world)).size, { timeout: 20_000, interval: 20 }).toBe(count);

/** A run that goes on until it is told to drain, and the end of it. */
function listening(world: World, options: Parameters<World['run']>[0] = {}) {
  const drain = new AbortController();
  const run = world.run({ ...options, drain: drain.signal, settings: { tail: 'always', ...options.settings } });
  return {
    run,
    end() {
      drain.abort();
      return run;
    },
  };
}

describe('a run that goes on listening', () => {
  test('forwards what comes after it has caught up, and saves that at once', async () => {
    const world = await createWorld();
    await add(world);
    const { end } = listening(world);
    await arrived(world, 1);

    const second = await add(world);
    await arrived(world, 2);
    await expect.poll(async () => (await world.checkpoint('q'))?.position.id).toBe(second);
    await add(world);
    await arrived(world, 3);

    expect(await end()).toMatchObject({ caughtUp: true, backlog: 0, warnings: [] });
    expect(idsOf(world)).toHaveLength(3);
    expect((await world.run()).counts.size).toBe(0);
  });

  test('hears of each queue, also of one whose stream begins meanwhile', async () => {
    const queues = ['a', 'b', 'c'];
    const world = await createWorld({ queues });
    await add(world, 1, 'a');
    const { end } = listening(world);
    await arrived(world, 1);

    for (const queue of ['b', 'a', 'c', 'b']) await add(world, 1, queue);

    await arrived(world, 5);
    expect(Object.fromEntries((await end()).counts)).toMatchObject({
      a: { published: 2 },
      b: { published: 2 },
      c: { published: 1 },
    });
  });

  test('ends by itself when the next run is due', async () => {
    const world = await createWorld();
    await add(world);

    expect(await world.run({ settings: { tail: 'always', interval: 300 } })).toMatchObject({ caughtUp: true });
  });

  test('counts what was trimmed while it was busy, and says how much of the stream its backlogs took', async () => {
    const world = await createWorld();
    await world.admin.hset(`${world.settings.prefix}:q:meta`, 'opts.maxLenEvents', 10);
    await add(world);
    await world.run();
    await add(world);
    const { end } = listening(world);
    await arrived(world, 2);
    for (let n = 3; n <= 6; n += 1) {
      await add(world, n);
      await arrived(world, n);
    }

    const { retentionUsed } = await end();

    // Never more than was behind at once, however many came.
    expect(retentionUsed?.get('q')).toBe(10);
  });

  test('goes on by looking where the user may not wait, and says what is missing', async () => {
    const world = await createWorld();
    await add(world);
    const user = `reader-${world.settings.prefix.replaceAll(':', '-')}`;
    const allowed = ['+xrange', '+xinfo|stream', '+multi', '+exec', '+scan', '+hmget'];
    await world.admin.call('ACL', 'SETUSER', user, 'on', '>secret', `%R~${world.settings.prefix}:*`, ...allowed);
    const url = new URL(inject('redisUrl'));
    url.username = user;
    url.password = 'secret';

    const report = await world.run({ redisUrl: url.href, settings: { tail: 'always' } });

    await world.admin.call('ACL', 'DELUSER', user);
    expect(report).toMatchObject({
      caughtUp: true,
      warnings: [expect.stringMatching(/^Not listening until the next run, which needs \+xread: NOPERM/)],
    });
    expect(idsOf(world)).toHaveLength(1);
  });

  test('listens again when its connection is cut', async () => {
    const world = await createWorld();
    await add(world);
    const { end } = listening(world);
    await arrived(world, 1);
    const blocked = async () =>
      /id=(\d+) .*cmd=xread/.exec(String(await world.admin.call('CLIENT', 'LIST', 'TYPE', 'normal')))?.[1];
    await expect.poll(blocked).toBeDefined();

    await world.admin.call('CLIENT', 'KILL', 'ID', (await blocked()) as string);
    await add(world);

    await arrived(world, 2);
    expect(await end()).toMatchObject({ caughtUp: true, warnings: [] });
  });

  test('leaves no connection behind', async () => {
    const world = await createWorld();
    const count = async () => String(await world.admin.call('CLIENT', 'LIST')).match(/cmd=xread/g)?.length ?? 0;
    await add(world);
    const { end } = listening(world);
    await arrived(world, 1);
    await expect.poll(count).toBe(1);

    await end();

    await expect.poll(count).toBe(0);
  });

  test('stops when another run has taken the lease, and what comes then is that run’s', async () => {
    const world = await createWorld();
    await add(world);
    const first = listening(world);
    await arrived(world, 1);
    world.advance(60_000);

    const second = listening(world);
    await add(world);
    await arrived(world, 2);
    await second.end();
    await first.end();

    expect((await world.run()).counts.size).toBe(0);
    expect(new Set(idsOf(world)).size).toBe(2);
  });
});

test('over 50 hand-overs, every entry of a steady producer arrives once', async () => {
  const world = await createWorld({ interval: 40, tail: 'always' });
  let added = 0;
  const producing = new AbortController();
  const producer = (async () => {
    while (!producing.signal.aborted) {
      await add(world);
      added += 1;
    }
  })();
  // The next run is started when it is due, and waits for the lease that the one before still has.
  let before: Promise<unknown> = Promise.resolve();
  for (let n = 0; n < 50; n += 1) {
    const run = world.run();
    await before;
    before = run;
  }
  producing.abort();
  await producer;
  await before;
  await world.run({ settings: { tail: 'never' } });

  const ids = idsOf(world);
  expect(new Set(ids).size).toBe(added);
  expect(ids).toHaveLength(added);
});

describe('listening by forecast', () => {
  /** Runs at a steady load on a stream that keeps 100 entries, until the run ends or has listened. */
  async function publishedAt(entriesPerRun: number, gap: number) {
    const world = await createWorld({ tail: 'auto', interval: 10_000 });
    await world.admin.hset(`${world.settings.prefix}:q:meta`, 'opts.maxLenEvents', 100);
    const start = Date.now() - entriesPerRun * gap;
    for (let n = 0; n < entriesPerRun; n += 1)
      await world.admin.xadd(world.key('q'), `${start + n * gap}-0`, 'event', 'completed');
    const drain = new AbortController();
    const run = world.run({ drain: drain.signal });
    await arrived(world, entriesPerRun);
    return { world, run, drain };
  }

  test('ends where the stream keeps what comes within an interval twice over', async () => {
    const { run } = await publishedAt(40, 210);

    expect(await run).toMatchObject({ caughtUp: true });
  });

  test('goes on where Redis could trim the stream before the next run', async () => {
    const { world, run, drain } = await publishedAt(40, 190);

    await add(world);
    await arrived(world, 41);

    drain.abort();
    expect(await run).toMatchObject({ caughtUp: true });
  });

  test('keeps up with a stream that overflows within an interval, where polling loses most', async () => {
    const [KEPT, AT_ONCE, EVERY, INTERVAL] = [100, 10, 20, 1000];
    const lost: Record<string, number> = {};
    for (const tail of ['never', 'auto'] as const) {
      const world = await createWorld({ tail, interval: INTERVAL });
      await world.admin.hset(`${world.settings.prefix}:q:meta`, 'opts.maxLenEvents', KEPT);
      const load = async () => {
        const pipeline = world.admin.pipeline();
        for (let n = 0; n < AT_ONCE; n += 1) pipeline.xadd(world.key('q'), 'MAXLEN', KEPT, '*', 'event', 'completed');
        await pipeline.exec();
      };
      lost[tail] = 0;
      // What comes before the first run is seen is nobody's loss, but tells how fast it comes.
      let due = performance.now() + INTERVAL;
      let run: Promise<Report> | undefined;
      let ticks = 0;
      for await (const _ of setInterval(EVERY)) {
        await load();
        if (performance.now() < due) continue;
        for (const counts of (await run)?.counts.values() ?? []) lost[tail] += counts.lost;
        if (ticks++ === 5) break;
        due = performance.now() + INTERVAL;
        run = world.run();
      }
    }
    // 500 entries came in each of five intervals.
    expect(lost['never']).toBeGreaterThan(1000);
    expect(lost['auto']).toBeLessThan((lost['never'] as number) / 4);
  });
});
