import type { EventEnvelope } from '../functions/event/detail.ts';

type Placed = Pick<EventEnvelope, 'streamId' | 'timestamp'>;

/**
 * Compares two details for `sort`, the earlier one first: by stream id, or by `timestamp` where one of them was recovered and has none.
 *
 * Never by `sequence`: it begins anew when a stream is deleted. Between queues of one Redis it is the order of that server's clock.
 */
export function compareEvents(a: Placed, b: Placed): number {
  const [placeA, placeB] = [placeOf(a), placeOf(b)];
  return a.timestamp - b.timestamp || (placeA < placeB ? -1 : Number(placeA > placeB));
}

/** A stream id as text that sorts as its numbers do; without one, the place behind all others: a recovered event is the end of a job. */
function placeOf({ streamId = 'none' }: Placed): string {
  return String(streamId).replaceAll(/\d+/g, (digits) => digits.padStart(20, '0'));
}
