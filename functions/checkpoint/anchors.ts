import { compareIds, idTime } from '../stream/id.ts';
import type { AtEntry, Position } from '../stream/position.ts';

/**
 * Older positions to keep beside a new one, newest first: where reading can go on after a roll-back.
 *
 * One is kept of each span of age: up to 4 seconds, up to 16, up to 64, and so on to everything beyond 4 hours, so that a few of
 * them cover a replica that lags by a second as well as one that lags by hours, and the row stays within one write unit of
 * 1 kB. Of each span the oldest is kept, as it is the next to move into the span behind it. After a roll-back, positions
 * that are not older than the new one are no longer of this history.
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
