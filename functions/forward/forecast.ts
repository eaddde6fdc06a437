import { type RedisConnection, ReplyTooLargeError } from '../redis/port.ts';
import { idTime } from '../stream/id.ts';
import { type Pace, readPaces } from '../stream/pace.ts';
import { MAX_REPLY_BYTES } from '../stream/portions.ts';
import type { Cursor } from '../stream/read.ts';
import type { CapacitiesOf } from './capacity.ts';

/** A burst is no rate: what came within less, in milliseconds, is taken as having come within that. */
const MIN_SPAN = 1000;
/** The part of what a stream keeps that may come within an interval. */
const SAFE_PART = 0.5;

export interface Forecast {
  readonly prefix: string;
  /** Where each queue was when the run began. */
  readonly cursors: readonly Cursor[];
  /** Entries of each queue that came since then. */
  readonly arrived: ReadonlyMap<string, number>;
  /** Milliseconds from one run to the next. */
  readonly interval: number;
  readonly now: Date;
}

/**
 * Whether a queue is so busy that Redis could trim its stream before the next run reads it: at twice the load, half of
 * what a stream keeps is all of it.
 *
 * Queues with nothing new within an interval are not asked for.
 * @throws {RedisError} when Redis refuses to tell what streams keep, or the connection fails
 */
export async function outrunsSchedule(
  redis: RedisConnection,
  capacitiesOf: CapacitiesOf,
  { prefix, cursors, arrived, interval, now }: Forecast,
): Promise<boolean> {
  const isBusy = ({ queue, position }: Cursor) =>
    arrived.has(queue) || (position !== undefined && now.getTime() - idTime(position.id) < interval);
  const busy = cursors.filter(isBusy);
  const queues = busy.map(({ queue }) => queue);
  // Redis answers with the first and the last entry of each stream, so that the answer can be too large.
  const paces = await readPaces(redis, queues, { prefix, maxBytes: MAX_REPLY_BYTES }).catch((error: unknown) => {
    if (error instanceof ReplyTooLargeError) return new Map<string, Pace>();
    throw error;
  });
  const capacities = await capacitiesOf([...paces.keys()]);
  return busy.some(({ queue, position }) => {
    const [pace, capacity] = [paces.get(queue), capacities.get(queue)];
    if (!pace || !capacity) return false;
    return rateOf(pace, arrived.get(queue) ?? 0, position && idTime(position.id)) * interval > SAFE_PART * capacity;
  });
}

/**
 * Entries per millisecond: those of the whole stream, or those since the last run, whichever came faster.
 *
 * Right after a run that went on listening, next to nothing is new; the stream itself still tells.
 * @param since when the last entry came that had been read before, by the clock of the server
 */
export function rateOf({ entries, first, last }: Pace, arrived: number, since: number | undefined): number {
  const span = (from: number) => Math.max(MIN_SPAN, last - from);
  return Math.max(entries / span(first), since === undefined ? 0 : arrived / span(since));
}
