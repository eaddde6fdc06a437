import { compareIds } from '../../functions/stream/id.ts';

/** An entry of a stream, and what has become of it. */
export interface Appended {
  readonly id: string;
  readonly event: string;
  /** Unlike an id, never the same for two entries. */
  readonly jobId: string;
  /** An entry that came before it, in another history, has its id or a higher one: a position can be above it that never passed it. */
  readonly isBehind: boolean;
  /** Of such entries as came before: one that came later has its id or a lower one. */
  isOvertaken: boolean;
  /** How many losses had been told of when it came. */
  readonly news: number;
  /** How it left the stream, if it did. */
  gone?: 'trimmed' | 'destroyed' | 'traceless';
  /** Gone, and the stream looks as if nothing were missing. */
  isHidden: boolean;
}

/** What bullbridge tells of a loss. */
export interface LossNews {
  readonly id: string;
  readonly afterId: string;
  readonly beforeId: string | null;
  readonly lost: number;
  readonly exact: boolean;
  readonly reason: string;
}

/**
 * Whether an entry is in the hole that a piece of news tells of; a roll-back took what stood behind the position.
 *
 * Where ids were given out again, after a roll-back, the order of ids is not that of entries: one end of a hole says nothing.
 */
export function isIn({ id, isBehind, isOvertaken }: Appended, { afterId, beforeId, reason }: LossNews): boolean {
  if (compareIds(id, afterId) <= 0 && !isBehind) return false;
  return beforeId === null || reason === 'rolled-back' || isOvertaken || compareIds(id, beforeId) < 0;
}
