import type { Entry } from './entry.ts';
import { compareIds, idBefore, ZERO_ID } from './id.ts';
import { beganAt, beginning, isAt, type Loss, type Position } from './position.ts';
import { type StreamInfo, trimmed } from './stream-info.ts';

/** The reply of Redis to a request for the entry of a position and `count` entries behind it. */
export interface StreamReply {
  /** The entries from the id of the position on, inclusive: at most `count + 1`. */
  readonly entries: readonly Entry[];
  readonly count: number;
  /** The state of the stream at the same moment; `null` without a stream, absent if it was not asked for. */
  readonly stream?: StreamInfo | null;
}

export interface Known {
  readonly position: Position;
  /** Older positions, newest first, to continue from after a roll-back. */
  readonly anchors: readonly Position[];
  /** Whether a run that ended without saving may have published entries behind the position; no loss is exact then. */
  readonly isDoubtful?: boolean | undefined;
}

/** The position where reading continues, the next entries, and the loss in front of them. */
export interface Account {
  readonly start: Position;
  readonly entries: readonly Entry[];
  /** Whether more entries may follow. */
  readonly more: boolean;
  readonly loss?: Loss;
  /**
   * The stream was rolled back below the position. If an older anchor is still in the stream, reading continues there.
   */
  readonly rolledBack?: true;
}

/**
 * Turns the reply of Redis into the next entries, the position they begin at, and the loss in front of them.
 *
 * With E = entries ever added and L = length, the entries in the stream have the ordinals E − L + 1 … E, because BullMQ
 * trims only from the old end. If the ordinal of the position is above E − L, its entry must still be in the stream.
 * Otherwise, exactly E − L − ordinal unread entries were trimmed (measured on Redis 7.0–8.0 and Valkey 8.0). The
 * history of the stream was rewritten if the entry should be there but is not, or if ids at or below the position exist
 * although the entry is gone. It was a roll-back (failover to a lagging replica, a restored snapshot) if such ids are
 * left, and a reset (obliterate, DEL, FLUSHALL, eviction) if there are none.
 *
 * Redis does not show three cases. A stream that was deleted and has since trimmed as many entries as had been read, or
 * more, counts as trimmed: `lost` is then a lower bound. A roll-back whose older entries have all been trimmed since
 * counts as reset or trimmed; if exactly as many entries were trimmed as had been read, it is not noticed. A roll-back
 * that took only unread entries leaves no trace.
 * @returns `undefined` if only the state of the stream can show what happened, and it was not asked for
 */
export function account(known: Known, reply: StreamReply): Account | undefined {
  const { position } = known;
  const { entries, count, stream } = reply;
  if (isProven(position, entries[0])) {
    const next = { start: position, entries: entries.slice(1), more: entries.length > count };
    return stream ? recounted(next, stream) : next;
  }
  if (stream === undefined) return undefined;
  if (stream === null) return withoutStream(position);
  // No entry of the current stream was read, so its ids prove nothing: another clock may have made them.
  if (serverOrdinal(position) !== 0 && hasIdsUpTo(position.id, stream)) return rolledBack(known, stream);
  const rest = { entries: entries.slice(0, count), more: entries.length > count };
  return { ...rest, ...behindGap(known, stream) };
}

/** Whether the entry of the position is still in the stream, so that no entry is missing behind it. */
function isProven(position: Position, first: Entry | undefined): boolean {
  if (position.kind === 'entry') return isAt(position, first);
  return position.kind === 'unread' && first?.id === position.id;
}

/** The ordinal in the server's own count. */
function serverOrdinal({ ordinal, offset = 0 }: Position): number | undefined {
  return ordinal === undefined ? undefined : ordinal - offset;
}

/**
 * Compares the ordinal with the server's count, at a page that ends the stream.
 *
 * A server can begin to count (after an upgrade), or restart its count: a migration can copy entries by `XADD` and set
 * the last id by a plain `XSETID`. The ordinal never decreases; an offset is the difference to the server's count.
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

/** Without a stream, a position above zero means a reset. */
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

/** The account if the entry of the position is gone and no id at or below it is left. */
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
  // It may be a roll-back to a point after the newest anchor, which leaves as few entries: no loss is certain then.
  const mayBeRollBack = anchors[0]?.ordinal !== undefined && anchors[0].ordinal <= before;
  const lost = mayBeRollBack ? 0 : before;
  return { start, loss: lossBehind(position, stream, { reason: 'reset', lost, exact: false }) };
}

/**
 * The account without both counts: a gap is noticed if an entry was added behind the position, but its size is unknown.
 */
function withoutCount(position: Position, stream: StreamInfo): Pick<Account, 'start' | 'loss'> {
  const before = trimmed(stream);
  if (position.id === ZERO_ID) return { start: beginning(before, position.since) };
  if (stream.lastId === position.id) return { start: position };
  const loss = lossBehind(position, stream, { reason: 'unknown', lost: 0, exact: false });
  return { start: gapBefore(stream, before, undefined), loss };
}

/** The position behind all entries that are gone from the current stream. */
function gapBefore({ firstId, lastId }: StreamInfo, ordinal: number | undefined, offset: number | undefined): Position {
  const id = firstId === undefined ? lastId : idBefore(firstId);
  return { kind: 'gap', id, ...(ordinal !== undefined && { ordinal }), ...(offset && { offset }) };
}

/** Whether the stream has ids up to `id`, or ends before it; neither is possible if the entry was only trimmed. */
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
