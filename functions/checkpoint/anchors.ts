import { compareIds, idTime } from '../stream/id.ts';
import type { Position } from '../stream/position.ts';

/** Enough to reach back minutes to hours while the row stays within one write unit of 1 kB. */
const MAX_ANCHORS = 8;

/**
 * Older positions to keep beside a new one, newest first: where reading can go on after a roll-back.
 *
 * Each is about twice as old as the one before it, so that a few of them cover a replica that lags by a second as well as
 * one that lags by minutes. After a roll-back, those that are not older than the new position are no longer of this history.
 */
export function anchorsFor(next: Position, previous: Position | undefined, anchors: readonly Position[]): Position[] {
  const kept: Position[] = [];
  const now = idTime(next.id);
  for (const anchor of previous ? [previous, ...anchors] : anchors) {
    const isOlder = compareIds(anchor.id, next.id) < 0 && anchor.digest !== '';
    const newer = kept.at(-1);
    if (isOlder && (!newer || now - idTime(anchor.id) >= 2 * (now - idTime(newer.id)))) kept.push(anchor);
  }
  return kept.slice(0, MAX_ANCHORS);
}
