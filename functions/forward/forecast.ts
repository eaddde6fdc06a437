import { RedisError } from '../errors.ts';
import { idTime, ZERO_ID } from '../stream/id.ts';
import type { Cursor } from '../stream/read.ts';
import type { Arrival } from './arrivals.ts';
import type { CapacitiesOf, StreamCapacity } from './stream-capacity.ts';

/** Shortest time over which a rate is measured, in milliseconds: a short burst must not look like a high rate. */
const MIN_SPAN = 1000;
/** Share of a stream's capacity that may arrive within an interval. */
const SAFE_PART = 0.5;
/** Milliseconds by which the clocks of Redis and of the function may differ. */
const CLOCK_SLACK = 2 * 60_000;

export interface Forecast {
  /** The current position of each queue. */
  readonly cursors: readonly Cursor[];
  /** The arrivals of the run, by queue. */
  readonly arrivals: ReadonlyMap<string, Arrival>;
  /** Milliseconds from one run to the next. */
  readonly interval: number;
  readonly now: Date;
}

/**
 * The queues that are so busy that Redis could trim their streams before the next run reads them: half of the entries
 * that a stream keeps, or more, arrive within an interval.
 *
 * A queue counts as busy if the capacity of its stream is not known. Redis is not asked about queues without a new
 * entry within an interval.
 * @throws {RedisError} when Redis refuses to report the capacity of streams, or the connection fails
 */
export async function queuesOutrunning(
  capacitiesOf: CapacitiesOf,
  { cursors, arrivals, interval, now }: Forecast,
): Promise<readonly string[]> {
  const recent = now.getTime() - interval - CLOCK_SLACK;
  const busy = cursors.filter(({ queue, position }) => arrivals.has(queue) || idTime(position.id) > recent);
  const capacities = await capacitiesOf(busy.map(({ queue }) => queue));
  const outruns = (cursor: Cursor) => {
    const arrival = arrivals.get(cursor.queue);
    const { entries, state } = capacities.get(cursor.queue) as StreamCapacity;
    if (arrival?.overran || entries === undefined) return true;
    if (entries === 0) return false;
    const rate = Math.max(arrival?.rate ?? 0, rateSinceAnchors(cursor, interval), rateOfStream(state));
    return rate * interval > SAFE_PART * entries;
  };
  return busy.filter(outruns).map(({ queue }) => queue);
}

/** Entries per millisecond since the positions that earlier runs saved within the last two intervals. */
function rateSinceAnchors({ position, anchors }: Cursor, interval: number): number {
  const rates = anchors.map(({ id, ordinal }) => {
    const span = idTime(position.id) - idTime(id);
    if (ordinal === undefined || position.ordinal === undefined || span > 2 * interval) return 0;
    return (position.ordinal - ordinal) / Math.max(MIN_SPAN, span);
  });
  return Math.max(0, ...rates);
}

/** Entries per millisecond over the whole stream. */
function rateOfStream(state: StreamCapacity['state']): number {
  if (state === null || state instanceof RedisError) return 0;
  const { length, firstId = ZERO_ID, lastId } = state;
  return length / Math.max(MIN_SPAN, idTime(lastId) - idTime(firstId));
}
