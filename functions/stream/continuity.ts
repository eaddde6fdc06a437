import { compareIds, ZERO_ID } from './id.ts';
import { beginning, type Loss, type Position } from './position.ts';

/** What `XINFO STREAM` says of a stream; `undefined` where the key does not exist. */
export interface StreamInfo {
  readonly length: number;
  /** How many entries the stream ever received; absent before Redis 7.0. */
  readonly entriesAdded?: number | undefined;
  readonly lastId: string;
  /** The oldest entry still there. */
  readonly firstId?: string | undefined;
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
 * rewritten: by a roll-back (failover to a lagging replica, a restored snapshot) when older ids than the position are
 * left, and by a reset (obliterate, DEL, FLUSHALL, eviction) when there are none.
 * A stream that was deleted and has since received more than the old one counts as trimmed: `lost` is then a lower
 * bound, and nothing in Redis can tell.
 */
export function continueFrom(position: Position, stream: StreamInfo | undefined): Continuation {
  if (!stream) return afterMissing(position);
  if (position.id === ZERO_ID && position.ordinal === undefined) return { start: beginning(trimmed(stream)) };
  const olderIds = stream.firstId !== undefined && compareIds(stream.firstId, position.id) <= 0;
  const behind = stream.lastId !== ZERO_ID && compareIds(stream.lastId, position.id) < 0;
  if (olderIds || behind) {
    const loss = { ...lossAfter(position, stream), reason: 'rolled-back', lost: 0, exact: false } as const;
    return { start: beginning(trimmed(stream)), loss, rolledBack: true };
  }
  const before = trimmed(stream);
  if (before === undefined || position.ordinal === undefined) return withoutCount(position, stream);
  if (before < position.ordinal) {
    const loss = { ...lossAfter(position, stream), reason: 'reset', lost: before, exact: false } as const;
    return { start: { id: resumeId(position, stream), ordinal: before, digest: '' }, loss };
  }
  const lost = before - position.ordinal;
  if (lost === 0) return { start: { ...position, id: resumeId(position, stream) } };
  const loss = { ...lossAfter(position, stream), reason: 'trimmed', lost, exact: !stream.deleted } as const;
  return { start: { id: resumeId(position, stream), ordinal: before, digest: '' }, loss };
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
  return { start, loss: { ...lossAfter(position, stream), reason: 'unknown', lost: 0, exact: false } };
}

/** How many entries are gone from the old end of the stream. */
export function trimmed(stream: StreamInfo): number | undefined {
  return stream.entriesAdded === undefined ? undefined : stream.entriesAdded - stream.length;
}

/** An emptied stream leaves nothing to read up to its last id; the same hole must not be found twice. */
function resumeId(position: Position, stream: StreamInfo): string {
  return stream.length === 0 ? stream.lastId : position.id;
}

function lossAfter(position: Position, stream: StreamInfo) {
  return { afterId: position.id, beforeId: stream.firstId ?? null };
}
