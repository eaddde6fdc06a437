import type { Gap } from '../checkpoint/ledger.ts';
import { idTime, ZERO_ID } from '../stream/id.ts';

/** Milliseconds by which the clock of a function may be ahead of the clocks of workers. */
const CLOCK_SLACK = 60 * 60_000;

/** The time in which the recovered jobs finished. Milliseconds since the epoch, both ends inclusive. */
export interface Window {
  readonly from: number;
  readonly to: number;
  /** Whether the event of a job that finished at this time may already have been forwarded from the stream. */
  isDoubtful(finishedOn: number): boolean;
}

/**
 * The time of a gap, with a margin at both ends.
 *
 * Stream ids have the clock of Redis, and jobs have the clocks of their workers. Within the margin, it is not certain
 * whether a job finished inside or outside the gap.
 * @param startedAt when the source was first forwarded, for a gap without a known beginning
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
