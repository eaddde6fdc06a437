import { compareIds, idTime } from '../stream/id.ts';
import type { AtEntry, Position } from '../stream/position.ts';

/**
 * The older positions to keep with a new position, newest first, so that reading can continue from one of them after a
 * roll-back.
 *
 * One position is kept for each span of age: up to 4 seconds, up to 16, up to 64, and so on; the last span is
 * everything over 4 hours. A few positions thus cover a replica that lags by a second as well as one that lags by
 * hours, and the row stays within one write unit of 1 kB. The oldest position of each span is kept, because it is the
 * next to move into the following span. Positions that are not older than the new one are dropped: after a roll-back,
 * they do not belong to this history.
 */
export function anchorsFor(next: Position, previous: Position | undefined, anchors: readonly Position[]): AtEntry[] {
  const kept = new Map<number, AtEntry>();
  for (const anchor of previous ? [previous, ...anchors] : anchors) {
    if (anchor.kind === 'entry' && compareIds(anchor.id, next.id) < 0)
      kept.set(spanOf(idTime(next.id) - idTime(anchor.id)), anchor);
  }
  return [...kept.values()];
}

const LAST_SPAN = 7;

function spanOf(age: number): number {
  return Math.min(LAST_SPAN, Math.floor(Math.log(Math.max(1, age / 1000)) / Math.log(4)));
}
