import { compareIds, ZERO_ID } from './id.ts';
import { beginning, type Entry, type Loss, type Position } from './position.ts';

/** What `XINFO STREAM` says of a stream; `undefined` where the key does not exist. */
export interface StreamInfo {
  readonly length: number;
  /** How many entries the stream ever received; absent before Redis 7.0. */
  readonly entriesAdded?: number | undefined;
  readonly lastId: string;
  /** The oldest entry still there. */
  readonly first?: Entry | undefined;
  /** The newest entry still there. */
  readonly last?: Entry | undefined;
  /** Whether somebody removed entries by `XDEL`, which BullMQ never does; a count is then an upper bound. */
  readonly deleted: boolean;
}

/** Where reading goes on, and what was lost before it. */
export interface Continuation {
  readonly start: Position;
  readonly loss?: Loss;
  /** History was rewritten below the position: an older anchor may still be in the stream. */
  readonly rolledBack?: boolean;
}

/**
 * Accounts for a position whose entry is no longer in the stream, or is another one.
 *
 * With E = entries ever added and L = length, the entries in the stream have the ordinals E − L + 1 … E, since BullMQ
 * only ever trims from the old end. So the position's entry must still be there if its ordinal is above E − L, and
 * otherwise exactly E − L − ordinal entries were trimmed unread (measured exact on Redis 7.0–8.0 and Valkey 8.0).
 * Where the entry must be there and is not, or ids at or below the position exist although it is gone, history was
 * rewritten: by a roll-back (failover to a lagging replica, a restored snapshot) when such ids are left, and by a reset
 * (obliterate, DEL, FLUSHALL, eviction) when there are none.
 *
 * Three things nothing in Redis can tell. A stream that was deleted and has since trimmed as many entries as had been
 * read, or more, counts as trimmed: `lost` is then a lower bound. A roll-back whose older entries have all been trimmed
 * since counts as reset or trimmed; where just as many were trimmed as had been read, neither is seen. And a roll-back that
 * took only entries nobody had read leaves no trace at all.
 * @param anchors older positions, newest first; a reset that can as well be a roll-back to behind the newest has lost nothing for sure
 */
export function continueFrom(
  position: Position,
  stream: StreamInfo | undefined,
  anchors: readonly Position[] = [],
): Continuation {
  if (!stream) return afterMissing(position);
  const before = trimmed(stream);
  const { ordinal } = position;
  const isUnread = ordinal === 0 || position.id === ZERO_ID;
  if (isUnread && (before === undefined || ordinal === undefined)) return { start: beginning(before) };
  // Nothing was read of the stream as it is now, so its ids say nothing: another clock may have made them.
  if (ordinal !== 0 && hasIdsUpTo(position.id, stream)) {
    const lost = Math.max(0, (before ?? 0) + 1 - (ordinal ?? Number.POSITIVE_INFINITY));
    return {
      start: beginning(before),
      loss: lossAfter(position, stream, 'rolled-back', lost, false),
      rolledBack: true,
    };
  }
  const id = resumeId(position, stream);
  if (before === undefined || ordinal === undefined) return withoutCount(position, stream);
  if (before < ordinal) {
    const isRollBack = anchors[0]?.ordinal !== undefined && anchors[0].ordinal <= before;
    const loss = lossAfter(position, stream, 'reset', isRollBack ? 0 : before, false);
    return { start: { id, ordinal: before, digest: '' }, loss };
  }
  if (before === ordinal) return { start: { ...position, id } };
  const loss = lossAfter(position, stream, 'trimmed', before - ordinal, !stream.deleted);
  return { start: { id, ordinal: before, digest: '' }, loss };
}

/** A key that does not exist has received nothing, so a position that counts something was reset. */
function afterMissing(position: Position): Continuation {
  if (position.ordinal === 0 || (position.id === ZERO_ID && position.ordinal === undefined)) return { start: position };
  const loss = { reason: 'reset', lost: 0, exact: false, afterId: position.id, beforeId: null } as const;
  return { start: { id: position.id, ordinal: 0, digest: '' }, loss };
}

/** Without the counter of Redis 7 a hole can be seen, unless nothing was ever added behind it, but not measured. */
function withoutCount(position: Position, stream: StreamInfo): Continuation {
  const ordinal = trimmed(stream);
  const start = { id: resumeId(position, stream), ...(ordinal !== undefined && { ordinal }), digest: '' };
  if (stream.lastId === position.id) return { start };
  return { start, loss: lossAfter(position, stream, 'unknown', 0, false) };
}

/** How many entries are gone from the old end of the stream. */
export function trimmed(stream: StreamInfo): number | undefined {
  return stream.entriesAdded === undefined ? undefined : stream.entriesAdded - stream.length;
}

/** Whether the stream has ids that are not above `id`, or ended before it: it can't, where that entry was only trimmed. */
function hasIdsUpTo(id: string, { first, lastId }: StreamInfo): boolean {
  return (first !== undefined && compareIds(first.id, id) <= 0) || (lastId !== ZERO_ID && compareIds(lastId, id) < 0);
}

/** An emptied stream leaves nothing to read up to its last id; the same hole must not be found twice. */
function resumeId(position: Position, { length, lastId }: StreamInfo): string {
  return length === 0 && lastId !== ZERO_ID ? lastId : position.id;
}

function lossAfter(position: Position, stream: StreamInfo, reason: Loss['reason'], lost: number, exact: boolean): Loss {
  return { reason, lost, exact, afterId: position.id, beforeId: stream.first?.id ?? null };
}
