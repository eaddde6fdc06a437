import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { fc } from '@fast-check/vitest';
import { LEASE_MS } from '../../functions/checkpoint/lease.ts';
import { emptyReport, reconcileGaps } from '../../functions/reconcile/run.ts';
import { type Around, saveLate, type World } from '../forward/world.ts';
import { type FaultKind, play } from './faults.ts';
import { EVENTS, type History } from './history.ts';
import { crashAt, holdAt, type Outage, outage } from './interruptions.ts';

export const SWEEP_SIZE = 7;

/** How far a clock may be off, in milliseconds. */
const SKEW = 30_000;

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
  /** A service is away in mid-run: the run waits for it. */
  | { readonly kind: 'outage'; readonly outage: Outage; readonly events: readonly string[] }
  /**
   * A migration makes the server count the entries of the stream anew, after they were read; then a new container reads
   * some more.
   */
  | { readonly kind: 'recount'; readonly events: readonly string[] }
  /** The process stops at its n-th call for longer than its lease; another run does its work; then it goes on. */
  | { readonly kind: 'zombie'; readonly call: number; readonly events: readonly string[]; readonly keep: number }
  /**
   * A run goes on listening while things happen; it hands over to the next one, when that asks or before, or dies at
   * its n-th call.
   */
  | {
      readonly kind: 'tail';
      readonly changes: readonly Step[];
      readonly call: number | undefined;
      readonly after: boolean;
      readonly faults: readonly FaultKind[];
      readonly savesLate: boolean;
      readonly isAsked: boolean;
      readonly outage: Outage | undefined;
    }
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
const anOutage = fc.record<Outage>({
  service: fc.constantFrom('Redis', 'table', 'bus'),
  call: fc.nat(12),
  calls: fc.integer({ min: 1, max: 25 }),
  after: fc.boolean(),
});

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
  stepOf('outage', 3, { outage: anOutage, events }),
  stepOf('recount', 1, { events: fc.array(event, { minLength: 1, maxLength: 5 }) }),
  stepOf('reconcile', 2, { call: fc.option(call, { nil: undefined }) }),
];

const changes = [
  stepOf('append', 4, { events: fc.oneof(fewEvents, events) }),
  stepOf('trim', 2, { events: fewEvents, keep }),
  stepOf('skew', 1, { by: fc.integer({ min: -SKEW, max: SKEW }) }),
];

function tailOf(possible: typeof changes, special: object = {}) {
  return stepOf('tail', 2, {
    changes: fc.array(fc.oneof(...possible), { maxLength: 4 }),
    call: fc.option(fc.nat(40), { nil: undefined, freq: 1 }),
    after: fc.boolean(),
    faults,
    savesLate: fc.boolean(),
    isAsked: fc.boolean(),
    outage: fc.option(anOutage, { nil: undefined, freq: 1 }),
    ...special,
  });
}

/** Runs that wait for a service that is away, one after the other. */
export const outages = fc.array(fc.oneof(stepOf('outage', 1, { outage: anOutage, events })), LENGTH);

/** Migrations, and what is trimmed between them. */
export const recounts = fc.array(
  fc.oneof(
    stepOf('recount', 2, { events: fc.array(event, { minLength: 1, maxLength: 5 }) }),
    stepOf('trim', 2, { events: fewEvents, keep }),
    stepOf('run', 1, { faults: fc.constant([]) }),
  ),
  LENGTH,
);

/**
 * Many entries in one millisecond, a run that dies between their sweeps, and a stream that is trimmed to the last of
 * them.
 */
export const bursts = fc
  .array(
    fc.tuple(
      stepOf('append', 1, { events: fc.array(event, { minLength: 20, maxLength: 40, size: 'max' }) }).arbitrary,
      stepOf('crash', 1, { call, after: fc.boolean(), faults: fc.constant([]) }).arbitrary,
      stepOf('trim', 1, { events: fc.constant([]), keep: fc.integer({ min: 1, max: 20 }) }).arbitrary,
    ),
    { minLength: 1, maxLength: 5, size: 'max' },
  )
  .map((all) => all.flat());

/** Steps that leave a queue's history as it is, apart from trimming. */
export const steps = fc.array(fc.oneof(...WITHIN_ONE_HISTORY, tailOf(changes)), LENGTH);

/** Runs that listen, one after the other, with nothing to excuse a duplicate. */
export const tails = fc.array(fc.oneof(tailOf(changes, { faults: fc.constant([]), outage: fc.constant(undefined) })), {
  ...LENGTH,
  maxLength: 4,
});

const rewritings = [
  stepOf('reset', 1),
  stepOf('failover', 3, { events, read: fc.boolean(), after: fewEvents, behind: fc.boolean() }),
];

const unreadFailover = stepOf('failover', 1, {
  events: fewEvents,
  read: fc.constant(false),
  after: fewEvents,
  behind: fc.boolean(),
});

/**
 * The same, and resets and roll-backs; under a run that listens, after it has saved how far it is, since nobody else
 * knows that.
 */
export const rewritingSteps = fc.array(
  fc.oneof(
    ...WITHIN_ONE_HISTORY,
    ...rewritings,
    tailOf([...changes, stepOf('reset', 1), unreadFailover], { savesLate: fc.constant(false) }),
  ),
  LENGTH,
);

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
    case 'outage':
      play(world, []);
      await history.append(step.events);
      history.allow(duplicatesOf(step.outage));
      await world.run({ around: outage(step.outage), container: world.warm });
      return;
    case 'recount':
      play(world, []);
      await world.run({ container: world.warm });
      if (!(await history.recount())) return;
      await history.append(step.events);
      await world.run();
      return;
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
    case 'tail':
      return tail(world, history, step);
    case 'reconcile':
      play(world, []);
      await reconcile(world, step.call === undefined ? undefined : crashAt(step.call, true)).catch(() => {});
      return world.advance(LEASE_MS + SKEW);
  }
}

/** Each answer of the bus that is lost makes a request be sent again. */
function duplicatesOf(away: Outage | undefined): number {
  return away?.service === 'bus' && away.after ? 10 * away.calls : 0;
}

async function tail(world: World, history: History, { changes, ...step }: Extract<Step, { kind: 'tail' }>) {
  play(world, step.faults);
  const dies = step.call !== undefined;
  // A clock that is ahead takes the lease from a run that has it.
  const overlaps = changes.some(({ kind }) => kind === 'skew');
  history.allow(10 * step.faults.length + (dies ? 2 * SWEEP_SIZE : 0) + (overlaps ? 4 * SWEEP_SIZE : 0));
  history.allow(duplicatesOf(step.outage));
  const drain = new AbortController();
  let hasEnded = false;
  const run = world
    .run({
      settings: { tail: 'always' },
      drain: drain.signal,
      ...(step.savesLate && { wait: saveLate }),
      ...(step.outage && { around: outage(step.outage) }),
      ...(step.call !== undefined && { around: crashAt(step.call, step.after) }),
    })
    .catch((error: unknown) => {
      if (!dies) throw error;
    })
    .finally(() => {
      hasEnded = true;
    });
  // What fails is thrown where it is awaited.
  run.catch(() => {});
  // A queue that a run does not find when it begins is left to the next one.
  if (world.settings.queues === '*') await history.append(['completed']);
  // Entries that vanish before the run has seen the queue have no beginning, and leave no trace.
  for (let n = 0; !hasEnded && n < 500 && !(await world.checkpoint('q')); n += 1) await setTimeout(2);
  for (const change of changes) {
    const rewrites = change.kind === 'reset' || change.kind === 'failover';
    for (let n = 0; rewrites && !hasEnded && n < 50 && !(await history.isCaughtUp()); n += 1) await setTimeout(2);
    if (!rewrites || hasEnded || (await history.isCaughtUp())) await take(world, history, change);
    await history.check();
  }
  if (!dies) await history.heard();
  // The next one waits for the lease, which one that died does not give back.
  const next = dies ? undefined : world.run();
  if (step.isAsked) await next;
  // One that lost its lease to a clock that is ahead is not asked.
  drain.abort();
  await Promise.all([run, next]);
  if (dies) world.advance(LEASE_MS + SKEW);
}
