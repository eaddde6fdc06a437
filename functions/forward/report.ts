import type { Settlement } from '../bus/publish.ts';
import type { Outgoing } from './outgoing.ts';

/** Counts of a queue in a run, without bullbridge's own events. */
export interface QueueCounts {
  published: number;
  filtered: number;
  parked: number;
  lost: number;
}

/** The counts of a run so far. */
export interface Tally {
  readonly counts: Map<string, QueueCounts>;
  /** The time of the newest published entry in milliseconds; 0 before there is one. */
  newest: number;
  /** Losses that were published, whatever their number of entries. */
  incidents: number;
}

/**
 * Adds a settled sweep to the counts.
 *
 * @returns the time of its oldest published entry in milliseconds; `Infinity` if none was published
 */
export function count(tally: Tally, { items, filtered, losses }: Outgoing, settlements: readonly Settlement[]): number {
  const countsOf = (queue: string) => {
    const counts = tally.counts.get(queue) ?? { published: 0, filtered: 0, parked: 0, lost: 0 };
    tally.counts.set(queue, counts);
    return counts;
  };
  for (const { queue, entries } of filtered) countsOf(queue).filtered += entries;
  for (const { queue, lost } of losses) countsOf(queue).lost += lost;
  let oldest = Number.POSITIVE_INFINITY;
  items.forEach(({ queue, time }, i) => {
    const settlement = settlements[i];
    if (time === undefined) tally.incidents += 1;
    if (time === undefined || !settlement) return;
    countsOf(queue)[settlement] += 1;
    if (settlement !== 'published') return;
    tally.newest = Math.max(tally.newest, time);
    oldest = Math.min(oldest, time);
  });
  return oldest;
}

/** The counts of all queues together. */
export function total({ counts }: Tally): QueueCounts {
  const sum = { published: 0, filtered: 0, parked: 0, lost: 0 };
  for (const one of counts.values()) {
    sum.published += one.published;
    sum.filtered += one.filtered;
    sum.parked += one.parked;
    sum.lost += one.lost;
  }
  return sum;
}

/** The report of a run, updated as the run proceeds, so that a failed run is also reported. */
export interface Report extends Tally {
  /** Queues of this shard. */
  queues: number;
  caughtUp: boolean;
  /** Named queues that have neither a stream nor settings. */
  missing: readonly string[];
  /** Whether another run has the lease, so this run did nothing. */
  leaseHeld: boolean;
  /** Whether another run took the lease from this run. */
  superseded: boolean;
  /** Milliseconds from the time of the newest published entry until its position was saved. */
  lag: number | undefined;
  /** The longest time from a published entry until its position was saved, in milliseconds. */
  oldestAge: number | undefined;
  /** Unread entries at the end of the run; `undefined` if they were not counted. */
  backlog: number | undefined;
  /** The backlog of each busy queue in percent of the entries that its stream keeps, at the end of the run. */
  retentionUsed: ReadonlyMap<string, number> | undefined;
  /** Milliseconds of each sweep from reading until all entries were settled. */
  readonly sweepDurations: number[];
  /** Messages for the log that are not failures. */
  readonly warnings: string[];
}

export function emptyReport(): Report {
  const nothing = {
    counts: new Map(),
    newest: 0,
    incidents: 0,
    queues: 0,
    lag: undefined,
    oldestAge: undefined,
    backlog: undefined,
    retentionUsed: undefined,
    caughtUp: false,
    leaseHeld: false,
    superseded: false,
    missing: [],
  };
  return { ...nothing, sweepDurations: [], warnings: [] };
}
