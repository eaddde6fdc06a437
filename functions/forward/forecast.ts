import { RedisError } from '../errors.ts';
import { idTime, ZERO_ID } from '../stream/id.ts';
import type { Cursor } from '../stream/read.ts';
import type { Arrival } from './arrivals.ts';
import type { Kept, KeptBy } from './kept.ts';

/** A burst is no rate: entries of a shorter time than this, in milliseconds, count as those of this time. */
const MIN_SPAN = 1000;
/** The part of the entries a stream keeps that may come within an interval. */
const SAFE_PART = 0.5;
/** Milliseconds by which the clocks of Redis and of the function may differ. */
const CLOCK_SLACK = 2 * 60_000;

export interface Forecast {
  /** Where each queue is now. */
  readonly cursors: readonly Cursor[];
  /** What the run has seen arrive, by queue. */
  readonly arrivals: ReadonlyMap<string, Arrival>;
  /** Milliseconds from one run to the next. */
  readonly interval: number;
  readonly now: Date;
}

/**
 * The queues that are so busy that Redis could trim their streams before the next run reads them: at twice the load, half of
 * the entries that a stream keeps are all of them.
 *
 * A queue whose stream does not say what it keeps counts as one of them. Queues with nothing new within an interval are not
 * asked for.
 * @throws {RedisError} when Redis refuses to say what streams keep, or the connection fails
 */
export async function queuesOutrunning(
  keptBy: KeptBy,
  { cursors, arrivals, interval, now }: Forecast,
): Promise<readonly string[]> {
  const recent = now.getTime() - interval - CLOCK_SLACK;
  const busy = cursors.filter(({ queue, position }) => arrivals.has(queue) || idTime(position.id) > recent);
  const kept = await keptBy(busy.map(({ queue }) => queue));
  const outruns = (cursor: Cursor) => {
    const arrival = arrivals.get(cursor.queue);
    const { entries, state } = kept.get(cursor.queue) as Kept;
    if (arrival?.overran || entries === undefined) return true;
    if (entries === 0) return false;
    const rate = Math.max(arrival?.rate ?? 0, rateSinceAnchors(cursor, interval), rateOfStream(state));
    return rate * interval > SAFE_PART * entries;
  };
  return busy.filter(outruns).map(({ queue }) => queue);
}

/** Entries per millisecond since the positions that were saved within the last two intervals; a run before this one saw them come. */
function rateSinceAnchors({ position, anchors }: Cursor, interval: number): number {
  const rates = anchors.map(({ id, ordinal }) => {
    const span = idTime(position.id) - idTime(id);
    if (ordinal === undefined || position.ordinal === undefined || span > 2 * interval) return 0;
    return (position.ordinal - ordinal) / Math.max(MIN_SPAN, span);
  });
  return Math.max(0, ...rates);
}

/** Entries per millisecond over the whole stream. */
function rateOfStream(state: Kept['state']): number {
  if (state === null || state instanceof RedisError) return 0;
  const { length, firstId = ZERO_ID, lastId } = state;
  return length / Math.max(MIN_SPAN, idTime(lastId) - idTime(firstId));
}
