import type { Entry } from './entry.ts';
import { compareIds, idBefore, ZERO_ID } from './id.ts';
import { beganAt, beginning, isAt, type Loss, type Position } from './position.ts';
import { type StreamInfo, trimmed } from './stream-info.ts';

/** What Redis said when it was asked for `count` entries behind a position, and for the entry of the position itself. */
export interface Answer {
  /** Those from the position's id on, inclusive: `count + 1` at the most. */
  readonly entries: readonly Entry[];
  readonly count: number;
  /** The stream's state at the same moment; `null` without a stream, absent where it was not asked for. */
  readonly stream?: StreamInfo | null;
}

export interface Known {
  readonly position: Position;
  /** Older positions, newest first: where to go back to after a roll-back. */
  readonly anchors: readonly Position[];
  /**
   * A run that ended without saving may have published entries behind the position, so that no count of lost ones is
   * exact.
   */
  readonly isDoubtful?: boolean | undefined;
}

/** Where reading continues, what comes next, and the loss in front of it. */
export interface Account {
  readonly start: Position;
  readonly entries: readonly Entry[];
  /** Whether more entries may follow. */
  readonly more: boolean;
  readonly loss?: Loss;
  /** History was rewritten below the position: an older anchor may still be in the stream, and reading continues there. */
  readonly rolledBack?: true;
}

/**
 * Turns what Redis said into the next entries, the position they begin at and the loss in front of them.
 *
 * With E = entries ever added and L = length, the entries in the stream have the ordinals E − L + 1 … E, since BullMQ
 * only ever trims from the old end. So the position's entry must still be there if its ordinal is above E − L, and
 * otherwise exactly E − L − ordinal entries were trimmed unread (measured exact on Redis 7.0–8.0 and Valkey 8.0). Where
 * the entry must be there and is not, or ids at or below the position exist although it is gone, history was rewritten:
 * by a roll-back (failover to a lagging replica, a restored snapshot) when such ids are left, and by a reset
 * (obliterate, DEL, FLUSHALL, eviction) when there are none.
 *
 * Nothing in Redis shows three cases. A stream that was deleted and has since trimmed as many entries as had been read,
 * or more, counts as trimmed: `lost` is then a lower bound. A roll-back whose older entries have all been trimmed since
 * counts as reset or trimmed; where just as many were trimmed as had been read, neither is seen. And a roll-back that
 * took only entries nobody had read leaves no trace at all.
 * @returns `undefined` where only the stream's state can show what happened, and it was not asked for
 */
export function account(known: Known, answer: Answer): Account | undefined {
  const { position } = known;
  const { entries, count, stream } = answer;
  if (isProven(position, entries[0])) {
    const next = { start: position, entries: entries.slice(1), more: entries.length > count };
    return stream ? recounted(next, stream) : next;
  }
  if (stream === undefined) return undefined;
  if (stream === null) return withoutStream(position);
  // Nothing was read of the stream as it is now, so its ids say nothing: another clock may have made them.
  if (serverOrdinal(position) !== 0 && hasIdsUpTo(position.id, stream)) return rolledBack(known, stream);
  const rest = { entries: entries.slice(0, count), more: entries.length > count };
  return { ...rest, ...behindGap(known, stream) };
}

/** Whether the position is still in the stream, so that nothing is missing behind it. */
function isProven(position: Position, first: Entry | undefined): boolean {
  if (position.kind === 'entry') return isAt(position, first);
  return position.kind === 'unread' && first?.id === position.id;
}

/** The ordinal in the server's own count. */
function serverOrdinal({ ordinal, offset = 0 }: Position): number | undefined {
  return ordinal === undefined ? undefined : ordinal - offset;
}

/**
 * Holds the ordinal against the server's count where a page ends the stream.
 *
 * A server can begin to count (an upgrade), or count anew: a migration that copies entries by `XADD` and sets the last
 * id by a plain `XSETID`. The ordinal never decreases: it stays above the server's count by an offset.
 * https://github.com/tair-opensource/RedisShake/issues/1009
 */
function recounted(next: Account, { entriesAdded }: StreamInfo): Account {
  const { start, entries, more } = next;
  if (more || entriesAdded === undefined) return next;
  const counted = entriesAdded - entries.length;
  if (serverOrdinal(start) === counted) return next;
  const ordinal = Math.max(counted, start.ordinal ?? 0);
  return { ...next, start: { ...start, ordinal, offset: ordinal - counted || undefined } };
}

/** A key that does not exist has received nothing, so a position that counts something was reset. */
function withoutStream(position: Position): Account {
  const nothing = { entries: [], more: false };
  const wasRead = serverOrdinal(position) ?? (position.id === ZERO_ID ? 0 : 1);
  if (wasRead === 0) return { ...nothing, start: position };
  const loss = { reason: 'reset', lost: 0, exact: false, afterId: position.id, beforeId: null } as const;
  const since = beganAt(position);
  return { ...nothing, start: { kind: 'gap', id: ZERO_ID, ordinal: 0, ...(since !== undefined && { since }) }, loss };
}

function rolledBack({ position }: Known, stream: StreamInfo): Account {
  const before = trimmed(stream);
  const lost = Math.max(0, (before ?? 0) + 1 - (serverOrdinal(position) ?? Number.POSITIVE_INFINITY));
  const loss = lossBehind(position, stream, { reason: 'rolled-back', lost, exact: false });
  return { start: beginning(before, beganAt(position)), entries: [], more: true, loss, rolledBack: true };
}

/** The position is gone, and no id at or below it is left. */
function behindGap({ position, anchors, isDoubtful }: Known, stream: StreamInfo): Pick<Account, 'start' | 'loss'> {
  const before = trimmed(stream);
  const ordinal = serverOrdinal(position);
  if (before === undefined || ordinal === undefined) return withoutCount(position, stream);
  if (before === ordinal) return { start: position };
  const offset = before > ordinal ? position.offset : undefined;
  const start = gapBefore(stream, before + (offset ?? 0), offset);
  if (before > ordinal) {
    const exact = !stream.deleted && !isDoubtful;
    return { start, loss: lossBehind(position, stream, { reason: 'trimmed', lost: before - ordinal, exact }) };
  }
  // As few entries may be left of a roll-back to behind the newest anchor: nothing is lost for sure then.
  const mayBeRollBack = anchors[0]?.ordinal !== undefined && anchors[0].ordinal <= before;
  const lost = mayBeRollBack ? 0 : before;
  return { start, loss: lossBehind(position, stream, { reason: 'reset', lost, exact: false }) };
}

/** Without both counts, a gap can be seen unless nothing was ever added behind the position, but not measured. */
function withoutCount(position: Position, stream: StreamInfo): Pick<Account, 'start' | 'loss'> {
  const before = trimmed(stream);
  if (position.id === ZERO_ID) return { start: beginning(before, position.since) };
  if (stream.lastId === position.id) return { start: position };
  const loss = lossBehind(position, stream, { reason: 'unknown', lost: 0, exact: false });
  return { start: gapBefore(stream, before, undefined), loss };
}

/** The position behind all that is gone of the stream as it is now. */
function gapBefore({ firstId, lastId }: StreamInfo, ordinal: number | undefined, offset: number | undefined): Position {
  const id = firstId === undefined ? lastId : idBefore(firstId);
  return { kind: 'gap', id, ...(ordinal !== undefined && { ordinal }), ...(offset && { offset }) };
}

/** Whether the stream has ids that are not above `id`, or ended before it: it can't, where that entry was only trimmed. */
function hasIdsUpTo(id: string, { firstId, lastId }: StreamInfo): boolean {
  return (firstId !== undefined && compareIds(firstId, id) <= 0) || (lastId !== ZERO_ID && compareIds(lastId, id) < 0);
}

function lossBehind(
  { id, since }: Position,
  { firstId }: StreamInfo,
  loss: Pick<Loss, 'reason' | 'lost' | 'exact'>,
): Loss {
  return { ...loss, afterId: id, beforeId: firstId ?? null, ...(since !== undefined && { since }) };
}
