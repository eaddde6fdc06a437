import { digestOf, type Entry, hasDigest } from './entry.ts';
import { idTime, ZERO_ID } from './id.ts';

interface PositionBase {
  /** Reading continues behind this stream id. */
  readonly id: string;
  /** The number of entries that were added up to and including `id`; absent if the server does not count. */
  readonly ordinal?: number | undefined;
  /** The ordinal minus the server's own count, after a migration restarted the server's count. @default 0 */
  readonly offset?: number | undefined;
  /** Only at {@link ZERO_ID}: entries from before this time are not wanted, in milliseconds since the epoch. */
  readonly since?: number | undefined;
}

/** No entry of the stream was read yet; reading begins behind `id`, which is {@link ZERO_ID} for all entries. */
export interface Unread extends PositionBase {
  readonly kind: 'unread';
}

/** The entry `id` was read. */
export interface AtEntry extends PositionBase {
  readonly kind: 'entry';
  /**
   * A short hash of the fields of that entry. A promoted replica whose clock is behind can give another entry the same
   * id and ordinal; only the content tells them apart.
   */
  readonly digest: string;
}

/** All entries up to `id` are gone or accounted for, and no entry behind it was read. */
interface BehindGap extends PositionBase {
  readonly kind: 'gap';
}

/** The position up to which the stream of a queue was read. */
export type Position = Unread | AtEntry | BehindGap;

/** Consecutive entries of a stream, with the loss in front of them. */
export interface Page {
  readonly queue: string;
  /** The position that the page was read from. */
  readonly from: Position;
  /** The position where the entries begin: `from`, moved past the loss. */
  readonly start: Position;
  readonly entries: readonly Entry[];
  readonly loss?: Loss | undefined;
}

/** Entries that can no longer be read. */
export interface Loss {
  /** Only if `afterId` is {@link ZERO_ID}: the earliest time at which they were added, if it is known. */
  readonly since?: number | undefined;
  readonly reason: 'trimmed' | 'reset' | 'rolled-back' | 'unknown';
  /** The number of entries that are known to be lost. */
  readonly lost: number;
  /** Whether `lost` is exact; otherwise it is a bound. */
  readonly exact: boolean;
  readonly afterId: string;
  /** The oldest entry that is still in the stream; `null` for an empty stream. */
  readonly beforeId: string | null;
}

/**
 * The position at the beginning of a stream.
 *
 * @param trimmed the number of trimmed entries; `undefined` if the server does not count
 * @param since in milliseconds since the epoch; entries from before this time are not wanted
 */
export function beginning(trimmed?: number, since?: number): Unread {
  return {
    kind: 'unread',
    id: ZERO_ID,
    ...(trimmed !== undefined && { ordinal: trimmed }),
    ...(since !== undefined && { since }),
  };
}

/**
 * The earliest time of the entries behind a position, in milliseconds since the epoch; `undefined` if it is unknown.
 */
export function beganAt({ id, since }: Position): number | undefined {
  return id === ZERO_ID ? since : idTime(id);
}

/** The position after the first `count` entries of a page. */
export function positionAfter(page: Page, count: number): Position {
  const last = page.entries[count - 1];
  if (!last) return page.start;
  const { ordinal, offset } = page.start;
  return {
    kind: 'entry',
    id: last.id,
    ...(ordinal !== undefined && { ordinal: ordinal + count }),
    ...(offset && { offset }),
    digest: digestOf(last),
  };
}

/** Whether two positions are at the same place of the same history. */
export function samePosition(a: Position, b: Position): boolean {
  return a.kind === b.kind && a.id === b.id && a.ordinal === b.ordinal && a.offset === b.offset;
}

/** Whether `entry` is the entry of a position. */
export function isAt(position: AtEntry, entry: Entry | undefined): boolean {
  return entry?.id === position.id && hasDigest(entry, position.digest);
}
