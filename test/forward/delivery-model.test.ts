import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { LEASE_MS } from '../../functions/checkpoint/lease.ts';
import { compareIds } from '../../functions/stream/id.ts';
import type { Fault } from '../../local/bus/faults.ts';
import { type Around, createWorld, DEAD_LETTERS, type World } from './world.ts';

const SWEEP_SIZE = 7;
const POISON = 'poison';

/** What happens to the world, one after the other. */
type Step =
  | { readonly kind: 'append'; readonly events: readonly string[] }
  | { readonly kind: 'trim'; readonly keep: number }
  | { readonly kind: 'run'; readonly faults: readonly FaultKind[] }
  /** The process dies at its n-th call, before or after the call took effect. */
  | { readonly kind: 'crash'; readonly call: number; readonly after: boolean; readonly faults: readonly FaultKind[] }
  /** The process stops at its n-th call for longer than its lease; another run does its work; then it goes on. */
  | { readonly kind: 'zombie'; readonly call: number; readonly events: readonly string[] };

type FaultKind = 'none' | 'throttle' | 'fail' | 'lost response' | 'short' | 'unavailable';

const event = fc.constantFrom('completed', 'failed', 'active', POISON);
const events = fc.array(event, { minLength: 1, maxLength: 25 });
const faults = fc.array(
  fc.constantFrom<FaultKind>('none', 'throttle', 'fail', 'lost response', 'short', 'unavailable'),
  { maxLength: 4 },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('append' as const), events }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('trim' as const), keep: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('run' as const), faults }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('crash' as const), call: fc.nat(14), after: fc.boolean(), faults }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('zombie' as const), call: fc.nat(14), events }) },
);

class Crash extends Error {}

/** Ends a run at its n-th call: no call after it has any effect. */
function crashAt(call: number, after: boolean): Around {
  let calls = 0;
  let dead = false;
  return async (effect) => {
    if (dead) throw new Crash();
    calls += 1;
    const dies = calls === call + 1;
    if (dies && !after) dead = true;
    if (dead) throw new Crash();
    const result = await effect();
    if (dies) dead = true;
    if (dead) throw new Crash();
    return result;
  };
}

/** Holds a run back at its n-th call until it is let go. */
function holdAt(call: number) {
  let calls = 0;
  const reached = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  const around: Around = async (effect) => {
    calls += 1;
    if (calls > call) {
      reached.resolve();
      await letGo.promise;
    }
    return effect();
  };
  return { around, reached: reached.promise, letGo: letGo.resolve };
}

/** The truth of what was written, and what each entry became. */
async function createHistory(world: World) {
  const appended: { readonly id: string; readonly event: string }[] = [];
  let allowedDuplicates = 0;

  const detailsOf = (source: string) =>
    world.bus.accepted
      .filter((entry) => entry.Source === source)
      .map((entry) => entry.detail as Record<string, unknown>);
  const published = () => detailsOf('bullmq').map((detail) => detail['streamId'] as string);
  const parked = () =>
    world.bus.messages(DEAD_LETTERS).map((body) => JSON.parse(JSON.parse(body).entry.Detail).streamId as string);
  const losses = () =>
    detailsOf('bullbridge') as { id: string; afterId: string; beforeId: string | null; lost: number; exact: boolean }[];

  function settled(): Set<string> {
    const ids = new Set([...published(), ...parked()]);
    for (const { id, event } of appended) if (event === 'active') ids.add(id);
    for (const { afterId, beforeId } of losses()) {
      for (const { id } of appended) {
        if (compareIds(id, afterId) > 0 && (beforeId === null || compareIds(id, beforeId) < 0)) ids.add(id);
      }
    }
    return ids;
  }

  return {
    async append(events: readonly string[]) {
      for (const event of events) {
        const id = (await world.admin.xadd(
          world.key('q'),
          '*',
          'event',
          event,
          'jobId',
          `${appended.length + 1}`,
        )) as string;
        appended.push({ id, event });
      }
    },
    allow(duplicates: number) {
      allowedDuplicates += duplicates;
    },
    /** A position never passes an entry that is not settled. */
    async check() {
      const position = (await world.checkpoint('q'))?.position;
      const ids = settled();
      const passed = appended.filter(({ id }) => position && compareIds(id, position.id) <= 0);
      expect(passed.filter(({ id }) => !ids.has(id))).toEqual([]);
    },
    /** Published, parked, filtered and counted lost together are what was appended; duplicates are within the bound. */
    checkAll(firstSeen: string | undefined) {
      const ids = settled();
      const owed = appended.filter(({ id }) => firstSeen !== undefined && compareIds(id, firstSeen) >= 0);
      expect(owed.filter(({ id }) => !ids.has(id))).toEqual([]);
      for (const { afterId, beforeId, lost, exact } of losses()) {
        const between = appended.filter(
          ({ id }) => compareIds(id, afterId) > 0 && (beforeId === null || compareIds(id, beforeId) < 0),
        );
        if (beforeId !== null) expect({ exact, lost }).toEqual({ exact: true, lost: between.length });
      }
      const all = published();
      expect(all.length - new Set(all).size).toBeLessThanOrEqual(allowedDuplicates);
      expect(new Set(parked()).isDisjointFrom(new Set(all))).toBe(true);
    },
  };
}

/** Plays the faults one request after the other; poisoned entries are refused whatever else happens. */
function play(world: World, kinds: readonly FaultKind[]): void {
  const left = [...kinds];
  world.bus.faults.putEvents = ({ entries }): Fault | undefined => {
    const poisoned = entries.flatMap((entry, i) =>
      JSON.parse(entry.Detail).event === POISON ? [[i, 'InvalidArgument'] as const] : [],
    );
    const refused = Object.fromEntries(poisoned);
    const kind = left.shift() ?? 'none';
    if (kind === 'unavailable') return { kind: 'error', status: 500, code: 'InternalException' };
    if (kind === 'lost response' && poisoned.length === 0) return { kind: 'reset-after-accept' };
    if (kind === 'short' && poisoned.length === 0) return { kind: 'short' };
    const failing: Record<number, string> =
      kind === 'throttle' ? { 2: 'ThrottlingException' } : kind === 'fail' ? { 0: 'InternalFailure' } : {};
    const codes = { ...failing, ...refused };
    return Object.keys(codes).length > 0 ? { kind: 'entries', codes } : undefined;
  };
}

async function take(world: World, history: Awaited<ReturnType<typeof createHistory>>, step: Step): Promise<void> {
  if (step.kind === 'append') await history.append(step.events);
  if (step.kind === 'trim') await world.admin.xtrim(world.key('q'), 'MAXLEN', step.keep);
  if (step.kind === 'run') {
    play(world, step.faults);
    history.allow(10 * step.faults.length);
    await world.run();
  }
  if (step.kind === 'crash') {
    play(world, step.faults);
    history.allow(10 * step.faults.length + 2 * SWEEP_SIZE);
    // What a dead process would have thrown is nobody's concern.
    await world.run({ around: crashAt(step.call, step.after) }).catch(() => {});
    world.advance(LEASE_MS + 1);
  }
  if (step.kind === 'zombie') {
    play(world, []);
    history.allow(4 * SWEEP_SIZE);
    const held = holdAt(step.call);
    const zombie = world.run({ around: held.around });
    await Promise.race([held.reached, zombie]);
    world.advance(LEASE_MS + 1);
    await history.append(step.events);
    await world.run();
    held.letGo();
    await zombie;
  }
}

describe('at-least-once delivery', () => {
  test.prop([fc.array(step, { minLength: 1, maxLength: 12 })], { numRuns: 60 })(
    'whatever happens: no position passes an entry that is not settled, and in the end every entry is',
    async (steps) => {
      const world = await createWorld({ sweepSize: SWEEP_SIZE, events: ['completed', 'failed', POISON] });
      const history = await createHistory(world);
      for (const each of steps) {
        await take(world, history, each);
        await history.check();
      }

      play(world, []);
      const oldest = (await world.admin.xrange(world.key('q'), '-', '+', 'COUNT', 1))[0]?.[0];
      const last = await world.run();

      expect(last.caughtUp).toBe(true);
      await history.check();
      history.checkAll(oldest);
    },
  );
});
