import type { Gap } from '../checkpoint/ledger.ts';
import { idTime, ZERO_ID } from '../stream/id.ts';

/** Milliseconds by which the clock of a function may be ahead of those of workers. */
const CLOCK_SLACK = 60 * 60_000;

/** The time in which jobs finished whose events are told again. Milliseconds since the epoch, both ends inclusive. */
export interface Window {
  readonly from: number;
  readonly to: number;
  /** Whether the event of a job that finished then may have been forwarded from the stream, too. */
  isDoubtful(finishedOn: number): boolean;
}

/**
 * The time of a gap, with a margin at both ends.
 *
 * A stream has the clock of Redis and a job that of its worker, so that only beyond the margin it is certain on which
 * side of an end of the gap a job finished.
 * @param startedAt when the source was first forwarded: where a gap begins whose own beginning is not known
 * @param margin in milliseconds
 */
export function windowOf({ afterId, beforeId, since, detectedAt }: Gap, startedAt: number, margin: number): Window {
  const begin = afterId === ZERO_ID ? (since ?? startedAt - CLOCK_SLACK) : idTime(afterId);
  const end = beforeId === null ? Math.max(begin, detectedAt) : idTime(beforeId);
  return {
    from: begin - margin,
    to: end + margin,
    isDoubtful: (finishedOn) => finishedOn <= begin + margin || finishedOn >= end - margin,
  };
}
