import { randomUUID } from 'node:crypto';
import { fc } from '@fast-check/vitest';
import { LEASE_MS } from '../../functions/checkpoint/lease.ts';
import { emptyReport, reconcileGaps } from '../../functions/reconcile/run.ts';
import type { Fault } from '../../local/bus/faults.ts';
import type { Around, World } from '../forward/world.ts';
import { EVENTS, type History, POISON } from './history.ts';

export const SWEEP_SIZE = 7;

/** How far a clock may be off, in milliseconds. */
const SKEW = 30_000;

type FaultKind = 'none' | 'throttle' | 'fail' | 'lost response' | 'short' | 'unavailable';

/** What happens to the world, one after the other. */
export type Step =
  | { readonly kind: 'append'; readonly events: readonly string[] }
  /** More is written than the stream keeps. */
  | { readonly kind: 'trim'; readonly events: readonly string[]; readonly keep: number }
  | { readonly kind: 'reset' }
  /** A replica that has not received these events is promoted, after they were read or before. */
  | {
      readonly kind: 'failover';
      readonly events: readonly string[];
      readonly read: boolean;
      readonly after: readonly string[];
      readonly behind: boolean;
    }
  /** The clock of runs jumps. */
  | { readonly kind: 'skew'; readonly by: number }
  /** In a container that stays warm, as are those that die, so that it knows the positions that it left. */
  | { readonly kind: 'run'; readonly faults: readonly FaultKind[] }
  /** The process dies at its n-th call, before or after the call took effect. */
  | { readonly kind: 'crash'; readonly call: number; readonly after: boolean; readonly faults: readonly FaultKind[] }
  /** The process stops at its n-th call for longer than its lease; another run does its work; then it goes on. */
  | { readonly kind: 'zombie'; readonly call: number; readonly events: readonly string[]; readonly keep: number }
  /** Gaps are recovered; the process may die at its n-th call. */
  | { readonly kind: 'reconcile'; readonly call: number | undefined };

const event = fc.constantFrom(...EVENTS, 'active');
/** Some sweeps of them, in few milliseconds. */
const events = fc.array(event, { minLength: 1, maxLength: 40, size: 'max' });
const fewEvents = fc.array(event, { maxLength: 5 });
const faults = fc.array(
  fc.constantFrom<FaultKind>('none', 'throttle', 'fail', 'lost response', 'short', 'unavailable'),
  { maxLength: 4 },
);
/** Long enough that what a step leaves behind meets what a later one does. */
const LENGTH = { minLength: 1, maxLength: 16, size: 'max' } as const;
const keep = fc.nat(8);
const call = fc.nat(14);

function stepOf<Kind extends Step['kind']>(kind: Kind, weight: number, fields: object = {}) {
  return { weight, arbitrary: fc.record({ kind: fc.constant(kind), ...fields }) as unknown as fc.Arbitrary<Step> };
}

const WITHIN_ONE_HISTORY = [
  stepOf('append', 6, { events }),
  stepOf('trim', 3, { events: fc.oneof(fewEvents, events), keep: fc.nat(20) }),
  stepOf('skew', 1, { by: fc.integer({ min: -SKEW, max: SKEW }) }),
  stepOf('run', 3, { faults }),
  stepOf('crash', 4, { call, after: fc.boolean(), faults }),
  stepOf('zombie', 2, { call, events, keep }),
  stepOf('reconcile', 2, { call: fc.option(call, { nil: undefined }) }),
];

/** Sweeps cut off in the middle of a millisecond, and trimmed. */
export const bursts = fc.array(
  fc.oneof(
    stepOf('append', 2, { events }),
    stepOf('crash', 2, { call, after: fc.boolean(), faults: fc.constant([]) }),
    stepOf('trim', 1, { events: fewEvents, keep }),
  ),
  LENGTH,
);

/** Steps that leave a queue's history as it is, apart from trimming. */
export const steps = fc.array(fc.oneof(...WITHIN_ONE_HISTORY), LENGTH);

/** The same, and resets and roll-backs. */
export const rewritingSteps = fc.array(
  fc.oneof(
    ...WITHIN_ONE_HISTORY,
    stepOf('reset', 1),
    stepOf('failover', 3, { events, read: fc.boolean(), after: fewEvents, behind: fc.boolean() }),
  ),
  LENGTH,
);

class Crash extends Error {}

/** Ends a run at its n-th call: no call after it has any effect. */
function crashAt(nth: number, after: boolean): Around {
  let calls = 0;
  let dead = false;
  return async (effect) => {
    if (dead) throw new Crash();
    calls += 1;
    const dies = calls === nth + 1;
    if (dies && !after) dead = true;
    if (dead) throw new Crash();
    const result = await effect();
    if (dies) dead = true;
    if (dead) throw new Crash();
    return result;
  };
}

/** Holds a run back at its n-th call until it is let go. */
function holdAt(nth: number) {
  let calls = 0;
  const reached = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  const around: Around = async (effect) => {
    calls += 1;
    if (calls > nth) {
      reached.resolve();
      await letGo.promise;
    }
    return effect();
  };
  return { around, reached: reached.promise, letGo: letGo.resolve };
}

/** Plays the faults one request after the other; poisoned entries are refused whatever else happens. */
export function play(world: World, kinds: readonly FaultKind[]): void {
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

/** Recovers all gaps, once nobody has the lease for that any more. */
export async function reconcile(world: World, around?: Around) {
  const { sourceName, prefix, events: selected } = world.settings;
  const settings = { sourceName, prefix, events: selected, clockSkew: 0 };
  const report = emptyReport();
  const never = new AbortController().signal;
  await reconcileGaps(settings, world.clients(around), randomUUID(), { drain: never, stop: never }, report);
  return report;
}

export async function take(world: World, history: History, step: Step): Promise<void> {
  switch (step.kind) {
    case 'append':
      return history.append(step.events);
    case 'trim':
      await history.append(step.events);
      return history.trim(step.keep);
    case 'reset':
      return history.reset();
    case 'failover':
      await history.snapshot();
      await history.append(step.events);
      if (step.read) {
        await world.run({ container: world.warm });
        await history.check();
      }
      await history.restore();
      return step.behind ? history.appendBehind(step.after) : history.append(step.after);
    case 'skew':
      return world.advance(step.by);
    case 'run':
      play(world, step.faults);
      history.allow(10 * step.faults.length);
      await world.run({ container: world.warm });
      return;
    case 'crash':
      play(world, step.faults);
      history.allow(10 * step.faults.length + 2 * SWEEP_SIZE);
      // What a dead process would have thrown is nobody's concern.
      await world.run({ around: crashAt(step.call, step.after), container: world.warm }).catch(() => {});
      return world.advance(LEASE_MS + SKEW);
    case 'zombie': {
      play(world, []);
      history.allow(4 * SWEEP_SIZE);
      const held = holdAt(step.call);
      const zombie = world.run({ around: held.around, container: world.warm });
      await Promise.race([held.reached, zombie]);
      world.advance(LEASE_MS + SKEW);
      await history.append(step.events);
      await world.run();
      await history.check();
      await history.trim(step.keep);
      held.letGo();
      await zombie;
      return;
    }
    case 'reconcile':
      play(world, []);
      await reconcile(world, step.call === undefined ? undefined : crashAt(step.call, true)).catch(() => {});
      return world.advance(LEASE_MS + SKEW);
  }
}
