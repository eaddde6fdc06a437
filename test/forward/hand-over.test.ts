import { setTimeout } from 'node:timers/promises';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { LEASE_MS } from '../../functions/checkpoint/lease.ts';
import { repetitions } from '../effort.ts';
import { crashAt } from '../model/interruptions.ts';
import { type Around, createWorld, saveLate, type World } from './world.ts';

const RUNS = repetitions(20, 8);
const SWEEP_SIZE = 4;
/** Milliseconds without a call of a run: it waits for somebody to ring. */
const QUIET = 15;

/** A run that listens, what comes meanwhile, and how it ends. */
interface Life {
  /** In front of how many further calls of the run, or in how much quiet, so many entries come. */
  readonly arrivals: readonly { readonly calls: number; readonly entries: number }[];
  /** The same for the end, behind all that came. */
  readonly calls: number;
  readonly isKilled: boolean;
  /** Otherwise its successor asks for the lease, or it is told to drain before that. */
  readonly isAsked: boolean;
  /** What was settled waits for its saving until it must be. */
  readonly saves: 'at once' | 'late';
}

const calls = fc.nat(12);
const lives = (isKilled: fc.Arbitrary<boolean>) =>
  fc.array(
    fc.record<Life>({
      arrivals: fc.array(fc.record({ calls, entries: fc.integer({ min: 1, max: 6 }) }), { maxLength: 6 }),
      calls,
      isKilled,
      isAsked: fc.boolean(),
      saves: fc.constantFrom('at once', 'late'),
    }),
    { minLength: 1, maxLength: 6 },
  );

/** Lets things happen in front of the n-th call from now on, or once there are no calls for a while. */
function stage() {
  let next = async () => {};
  let left = Number.POSITIVE_INFINITY;
  let last = performance.now();
  const around: Around = async (call) => {
    last = performance.now();
    left -= 1;
    if (left < 0) await next();
    return call();
  };
  return {
    around,
    async after(calls: number, happen: () => Promise<void>): Promise<void> {
      let happened: Promise<void> | undefined;
      next = () => {
        happened ??= happen();
        return happened;
      };
      left = calls;
      while (!happened) {
        if (performance.now() - last > QUIET) await next();
        else await setTimeout(1);
      }
      await happened;
    },
  };
}

/** Lives through all, each run's successor waiting for its lease; then forwards what is left. */
async function live(world: World, all: readonly Life[]): Promise<number> {
  let added = 0;
  let before: Promise<unknown> = Promise.resolve();
  for (const { arrivals, calls: end, isKilled, isAsked, saves } of all) {
    const drain = new AbortController();
    const { around, after } = stage();
    let dies: Around = (call) => call();
    const run = world
      .run({
        around: (call) => around(() => dies(call)),
        drain: drain.signal,
        ...(saves === 'late' && { wait: saveLate }),
      })
      .catch((error: unknown) => {
        if (!isKilled) throw error;
      });
    await before;
    for (const { calls: count, entries } of arrivals) {
      await after(count, async () => {
        for (let n = 0; n < entries; n += 1) await world.admin.xadd(world.key('q'), '*', 'event', 'completed');
        added += entries;
      });
    }
    await after(end, async () => {
      if (isKilled) dies = crashAt(0, false);
      if (isKilled || !isAsked) drain.abort();
    });
    before = run;
    if (!isKilled) continue;
    await run;
    world.advance(LEASE_MS + 1);
  }
  await Promise.all([before, world.run({ settings: { tail: 'never' } })]);
  return added;
}

const idsOf = ({ bus }: World) => bus.accepted.map(({ detail }) => detail['id']);

describe('runs that hand over at random moments, while entries come at random moments,', () => {
  test.prop([lives(fc.constant(false))], { numRuns: RUNS })('publish every entry once', async (all) => {
    const world = await createWorld({ tail: 'always', sweepSize: SWEEP_SIZE });

    const added = await live(world, all);

    const ids = idsOf(world);
    expect(new Set(ids).size).toBe(added);
    expect(ids).toHaveLength(added);
  });

  test.prop([lives(fc.boolean())], { numRuns: RUNS })(
    'or die, publish every entry, and at most two sweeps twice for each death',
    async (all) => {
      const world = await createWorld({ tail: 'always', sweepSize: SWEEP_SIZE });

      const added = await live(world, all);

      const ids = idsOf(world);
      expect(new Set(ids).size).toBe(added);
      const deaths = all.filter(({ isKilled }) => isKilled).length;
      expect(ids.length - added).toBeLessThanOrEqual(deaths * 2 * SWEEP_SIZE);
    },
  );
});
