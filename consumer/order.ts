import type { EventEnvelope } from '../functions/event/detail.ts';

type Placed = Pick<EventEnvelope, 'streamId' | 'timestamp'>;

/**
 * Compares two details for `sort`, the earlier event first.
 *
 * The order is by stream id. A recovered event has no stream id and is ordered by its `timestamp`. `sequence` is not
 * used, because it restarts when a stream is deleted.
 */
export function compareEvents(a: Placed, b: Placed): number {
  const [placeA, placeB] = [placeOf(a), placeOf(b)];
  return a.timestamp - b.timestamp || (placeA < placeB ? -1 : Number(placeA > placeB));
}

/**
 * A text that sorts like the numbers of a stream id. A recovered event sorts last in its millisecond, because it is the
 * end of a job.
 */
function placeOf({ streamId = 'none' }: Placed): string {
  return String(streamId).replaceAll(/\d+/g, (digits) => digits.padStart(20, '0'));
}
