import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { LEASE_MS } from '../../functions/checkpoint/lease.ts';
import { SAVE_AFTER } from '../../functions/forward/stages.ts';
import { mayRead } from '../needs.ts';
import { testWith } from '../test-with.ts';
import { createVirtualWorld } from './virtual-world.ts';
import { createWorld, saveLate, type World } from './world.ts';

const testCounting = testWith('counting server');

const idsOf = ({ bus }: World) => bus.accepted.map(({ detail }) => detail['id'] as string);
const eventsOf = ({ bus }: World) => bus.accepted.map(({ detail }) => detail['event']);
const add = ({ admin, key }: World, n = 1, queue = 'q') => admin.xadd(key(queue), '*', 'event', 'completed', 'n', n);
const savedId = async ({ checkpoint }: Pick<World, 'checkpoint'>) => (await checkpoint('q'))?.position.id;
const arrived = (world: World, count: number) =>
  expect.poll(() => new Set(idsOf(world)).size, { interval: 20 }).toBe(count);

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

/** A user that nobody else is, who may do so much, and its connections that wait. */
async function ownUser({ admin, settings: { prefix } }: World, allowed: readonly string[] = ['+@read', '+@blocking']) {
  const user = `reader-${prefix.replaceAll(':', '-')}`;
  const always = ['+multi', '+exec'];
  await admin.call('ACL', 'SETUSER', user, 'on', '>secret', mayRead(`${prefix}:*`), ...allowed, ...always);
  onTestFinished(async () => {
    await admin.call('ACL', 'DELUSER', user);
  });
  const url = new URL(inject('redisUrl'));
  url.username = user;
  url.password = 'secret';
  const waiting = async () => {
    const clients = String(await admin.call('CLIENT', 'LIST')).split('\n');
    return clients.flatMap((client) => {
      const [, id] = /^id=(\d+) .*cmd=xread /.exec(client) ?? [];
      return id && client.includes(` user=${user} `) ? id : [];
    });
  };
  return {
    redisUrl: url.href,
    waiting,
    /** The one that waits, once it does. */
    async blocked(): Promise<string> {
      await expect.poll(waiting).toHaveLength(1);
      return (await waiting())[0] as string;
    },
  };
}

describe('a run that listens', () => {
  test('forwards entries that come after it has caught up, and saves their positions', async () => {
    const world = await createWorld();
    await add(world);
    const { end } = listening(world);
    await arrived(world, 1);

    const second = await add(world);
    await arrived(world, 2);
    await expect.poll(() => savedId(world)).toBe(second);
    await add(world);
    await arrived(world, 3);

    expect(await end()).toMatchObject({ caughtUp: true, backlog: 0, warnings: [] });
    expect(idsOf(world)).toHaveLength(3);
    expect((await world.run()).counts.size).toBe(0);
  });

  test('notices each queue, also a queue whose stream begins meanwhile', async () => {
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

  test('ends when the next run asks for the lease, and not before', async () => {
    const world = await createWorld();
    await add(world);
    const { run } = listening(world);
    await arrived(world, 1);
    await add(world);
    await arrived(world, 2);

    const successor = listening(world);

    expect(await run).toMatchObject({ caughtUp: true, warnings: [] });
    await add(world);
    await arrived(world, 3);
    expect(await successor.end()).toMatchObject({ caughtUp: true, warnings: [] });
    expect(idsOf(world)).toHaveLength(3);
  });

  test('counts entries that were trimmed while it was busy, and reports the retention used', async () => {
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

  test('reports the missing permission if the user may not wait', async () => {
    const world = await createWorld();
    await add(world);
    const { redisUrl } = await ownUser(world, ['+xrange', '+xinfo|stream', '+scan', '+hmget']);

    const report = await world.run({ redisUrl, settings: { tail: 'always' } });

    expect(report).toMatchObject({
      caughtUp: true,
      warnings: [
        expect.stringMatching(/^This run does not listen for new entries, because that needs \+xread: NOPERM/),
      ],
    });
    expect(idsOf(world)).toHaveLength(1);
  });

  test.each([
    ['listens again when its connection is cut', ['KILL', 'ID']],
    ['continues when its server refuses to let any client wait', ['UNBLOCK', 'ERROR']],
  ])('%s', async (_, [command = '', how = '']) => {
    const world = await createWorld();
    await add(world);
    const user = await ownUser(world);
    const { end } = listening(world, { redisUrl: user.redisUrl });
    await arrived(world, 1);
    const blocked = await user.blocked();

    await world.admin.call('CLIENT', command, ...(how === 'ID' ? [how, blocked] : [blocked, how]));
    await add(world);

    await arrived(world, 2);
    await add(world);
    await arrived(world, 3);
    expect(await end()).toMatchObject({ caughtUp: true, warnings: [] });
  });

  test('leaves no connection behind', async () => {
    const world = await createWorld();
    await add(world);
    const { redisUrl, waiting } = await ownUser(world);
    const { end } = listening(world, { redisUrl });
    await arrived(world, 1);
    await expect.poll(waiting).toHaveLength(1);

    await end();

    await expect.poll(waiting).toEqual([]);
  });

  describe('if a stream is rolled back below its position, so that no new entry shows it,', () => {
    async function rolledBack(world: World, redisUrl: string) {
      const later = Date.now() + 1_000_000;
      await world.admin.xadd(world.key('q'), `${later}-1`, 'event', 'completed');
      await world.admin.xadd(world.key('q'), `${later}-2`, 'event', 'completed');
      const run = listening(world, { redisUrl });
      await arrived(world, 2);
      await world.admin.del(world.key('q'));
      await world.admin.xadd(world.key('q'), `${later}-1`, 'event', 'failed');
      return run;
    }

    test('notices it after some minutes without entries', async () => {
      const world = await createWorld();
      const user = await ownUser(world);
      const { end } = await rolledBack(world, user.redisUrl);

      world.advance(3 * 60_000);
      // As if nobody had rung for five seconds.
      await world.admin.call('CLIENT', 'UNBLOCK', await user.blocked());

      await expect.poll(() => eventsOf(world)).toContain('failed');
      expect((await end()).incidents).toBe(1);
    });

    test('notices it also while other queues have new entries all the time', async () => {
      const world = await createWorld({ queues: ['q', 'busy'] });
      const { redisUrl } = await ownUser(world);
      const { end } = await rolledBack(world, redisUrl);
      await add(world, 1, 'busy');
      await arrived(world, 3);

      world.advance(3 * 60_000);
      await add(world, 2, 'busy');

      await expect.poll(() => eventsOf(world)).toContain('failed');
      expect((await end()).incidents).toBe(1);
    });
  });

  test('continues with the others if Redis refuses to read one queue, and fails for it at the end', async () => {
    const world = await createWorld({ queues: ['a', 'broken'] });
    await world.admin.set(world.key('broken'), 'no stream');
    await add(world, 1, 'a');
    const { end } = listening(world);
    await arrived(world, 1);

    await add(world, 2, 'a');
    await arrived(world, 2);

    await expect(end()).rejects.toThrow(/broken:events.*WRONGTYPE/);
  });

  test('stops when another run has taken the lease, and leaves later entries to that run', async () => {
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

test('a run hands over to another one whose request was late for the run before', async () => {
  const world = await createWorld();
  await add(world);
  const first = listening(world);
  await arrived(world, 1);
  const asks = Promise.withResolvers<void>();
  const late = Promise.withResolvers<void>();
  let tableCalls = 0;
  const second = listening(world, {
    around: async (call, _, service) => {
      if (service === 'table' && ++tableCalls === 2) {
        asks.resolve();
        await late.promise;
      }
      return call();
    },
  });
  await asks.promise;
  await first.end();
  const third = listening(world);
  await add(world);
  await arrived(world, 2);

  late.resolve();

  expect(await third.run).toMatchObject({ caughtUp: true, warnings: [] });
  await add(world);
  await arrived(world, 3);
  await second.end();
  expect(idsOf(world)).toHaveLength(3);
});

test('every entry of a steady producer arrives once over 50 hand-overs', async () => {
  const world = await createWorld({ tail: 'always' });
  let added = 0;
  const producing = new AbortController();
  const producer = (async () => {
    while (!producing.signal.aborted) {
      await add(world);
      added += 1;
    }
  })();
  // Each run that comes asks for the lease of the one that has it. Of two that wait, either gets it.
  const running = new Set<Promise<unknown>>();
  const start = (options?: Parameters<World['run']>[0]) => {
    const run = world.run(options).finally(() => running.delete(run));
    running.add(run);
  };
  start();
  for (let n = 0; n < 50; n += 1) {
    start();
    await Promise.race(running);
  }
  producing.abort();
  await producer;
  start({ settings: { tail: 'never' } });
  await Promise.all(running);

  const ids = idsOf(world);
  expect(new Set(ids).size).toBe(added);
  expect(ids).toHaveLength(added);
});

describe('a run that listens saves', () => {
  const updates = ({ tableCalls }: Pick<World, 'tableCalls'>) =>
    tableCalls.filter((name) => name === 'UpdateItemCommand').length;

  test('at most once a second, however often entries come, and the last position within a second', async () => {
    const { time, wait, bus, ...world } = await createVirtualWorld({ tail: 'always' });
    const drain = new AbortController();
    const [EVERY, SECONDS] = [20, 5];
    const produce = async (duration: number) => {
      for (let at = 0; at < duration; at += EVERY) {
        await world.add([{ event: 'completed' }]);
        await wait(EVERY);
      }
    };
    const live = async () => {
      // The first writes are of the lease and of a new row.
      await produce(1000);
      const before = updates(world);
      await produce(SECONDS * 1000);
      await wait(SAVE_AFTER);
      const writes = updates(world) - before;
      const saved = await time.busy(() => savedId(world));
      drain.abort();
      return { saved, writes };
    };

    const [{ saved, writes }] = await time.until(Promise.all([live(), world.run({ drain: drain.signal })]));

    expect(bus.accepted).toHaveLength((1 + SECONDS) * (1000 / EVERY));
    expect(saved).toBe(bus.accepted.at(-1)?.detail['streamId']);
    const renewals = 1;
    expect(writes).toBeLessThanOrEqual(SECONDS + 1 + renewals);
  });

  testCounting('before more than two sweeps are published and not saved', async () => {
    const SWEEP_SIZE = 5;
    const world = await createWorld({ sweepSize: SWEEP_SIZE });
    await add(world);
    const { end } = listening(world, { wait: saveLate });
    for (let n = 1; n <= 30; n += 1) {
      await arrived(world, n);
      const saved = (await world.checkpoint('q'))?.position.ordinal ?? 0;
      expect(world.bus.accepted.length - saved).toBeLessThanOrEqual(2 * SWEEP_SIZE);
      await add(world);
    }

    await end();

    expect(updates(world)).toBeLessThan(12);
    expect((await world.checkpoint('q'))?.position.ordinal).toBe(31);
  });

  test('at once when it ends, also if it is told to stop or fails', async () => {
    for (const how of ['drain', 'stop', 'failure'] as const) {
      const world = await createWorld();
      await add(world);
      const stop = new AbortController();
      const { run, end } = listening(world, { wait: saveLate, stop: stop.signal });
      const ended = run.catch((error: Error) => error);
      await arrived(world, 1);
      const second = await add(world);
      await arrived(world, 2);
      expect(await savedId(world)).not.toBe(second);

      if (how === 'drain') await end();
      if (how === 'stop') stop.abort(new Error('deadline'));
      if (how === 'failure') {
        world.bus.faults.putEvents = () => ({ kind: 'entries', codes: { 0: 'AccessDeniedException' } });
        await add(world);
      }
      await ended;

      expect(await savedId(world)).toBe(second);
    }
  });
});

test('a run that listens and has lost its lease saves no waiting positions', async () => {
  const world = await createWorld();
  const first = await add(world);
  const renewal = Promise.withResolvers<void>();
  const loser = listening(world, {
    wait: (milliseconds, signal) => (milliseconds === LEASE_MS / 3 ? renewal.promise : saveLate(milliseconds, signal)),
  });
  await arrived(world, 1);
  await expect.poll(() => savedId(world)).toBe(first);
  await add(world);
  await arrived(world, 2);
  world.advance(LEASE_MS + 1);
  const [taken, letGo] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let calls = 0;
  const winner = world.run({
    around: async (call) => {
      if (calls++ > 0) {
        taken.resolve();
        await letGo.promise;
      }
      return call();
    },
  });
  await taken.promise;

  renewal.resolve();

  expect((await loser.run).warnings.join()).toContain('the lease was taken');
  expect(await savedId(world)).toBe(first);
  letGo.resolve();
  expect(await winner).toMatchObject({ caughtUp: true, warnings: [] });
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

  test('ends if the stream keeps twice the entries of an interval', async () => {
    const { run } = await publishedAt(40, 210);

    expect(await run).toMatchObject({ caughtUp: true });
  });

  test('continues if Redis could trim the stream before the next run', async () => {
    const { world, run, drain } = await publishedAt(40, 190);

    await add(world);
    await arrived(world, 41);

    drain.abort();
    expect(await run).toMatchObject({ caughtUp: true });
  });

  testCounting(
    'keeps up with a stream that overflows within an interval, while polling loses four fifths of the entries',
    async () => {
      const [KEPT, AT_ONCE, EVERY, INTERVAL, RUNS] = [100, 10, 20, 1000, 5];
      const lost: Record<string, number> = {};
      for (const tail of ['never', 'auto'] as const) {
        const { admin, time, wait, ...world } = await createVirtualWorld({ tail, interval: INTERVAL });
        await admin.hset(`${world.settings.prefix}:q:meta`, 'opts.maxLenEvents', KEPT);
        const produce = async () => {
          for (let at = 0; at < (RUNS + 1) * INTERVAL; at += EVERY) {
            await world.add(Array(AT_ONCE).fill({ event: 'completed' }), KEPT);
            await wait(EVERY);
          }
        };
        // What comes before the first run does not count as lost, but shows how fast it comes.
        const run = async (n: number) => {
          await wait((n + 1) * INTERVAL);
          return world.run({ settings: { tail: n === RUNS ? 'never' : tail } });
        };
        const runs = Promise.all(Array.from({ length: RUNS + 1 }, (_, n) => run(n)));
        const [reports] = await time.until(Promise.all([runs, produce()]));
        const counts = reports.flatMap((report) => [...report.counts.values()]);
        lost[tail] = counts.reduce((sum, count) => sum + count.lost, 0);
      }
      // 500 entries come in each interval.
      expect(lost['never']).toBe(400 * RUNS);
      expect(lost['auto']).toBe(0);
    },
  );
});
