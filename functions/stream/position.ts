import { digestOf, type Entry, hasDigest } from './entry.ts';
import { idTime, ZERO_ID } from './id.ts';

interface Place {
  /** Reading continues behind this stream id. */
  readonly id: string;
  /** How many entries the stream had received up to and including `id`; absent where the server does not count. */
  readonly ordinal?: number | undefined;
  /** How far the ordinal is above the server's own count, after a migration that made the server count anew. @default 0 */
  readonly offset?: number | undefined;
  /**
   * Of a position at {@link ZERO_ID}: nothing is wanted of what happened before this time, in milliseconds since the
   * epoch.
   */
  readonly since?: number | undefined;
}

/** Nothing of the stream was read yet; its entries behind `id` are wanted, which are all of them for {@link ZERO_ID}. */
export interface Unread extends Place {
  readonly kind: 'unread';
}

/** The entry `id` was read. */
export interface AtEntry extends Place {
  readonly kind: 'entry';
  /**
   * Short hash of that entry's fields. A promoted replica whose clock is behind can give another entry the very same id
   * and ordinal; only its content tells them apart.
   */
  readonly digest: string;
}

/** Entries up to `id` are gone or accounted for, and nothing behind it was read. */
interface BehindGap extends Place {
  readonly kind: 'gap';
}

/** How far a queue's stream has been read. */
export type Position = Unread | AtEntry | BehindGap;

/** Entries of one stream in a row, with the loss in front of them. */
export interface Page {
  readonly queue: string;
  /** The position the page was read from. */
  readonly from: Position;
  /** Where the entries begin: `from`, moved past the loss. */
  readonly start: Position;
  readonly entries: readonly Entry[];
  readonly loss?: Loss | undefined;
}

/** Entries that can no longer be read. */
export interface Loss {
  /** Where `afterId` is {@link ZERO_ID}: when the time began in which they were added, if that is known. */
  readonly since?: number | undefined;
  readonly reason: 'trimmed' | 'reset' | 'rolled-back' | 'unknown';
  /** How many entries are known to be lost. */
  readonly lost: number;
  /** Whether `lost` is the very number; otherwise it is a bound. */
  readonly exact: boolean;
  readonly afterId: string;
  /** The oldest entry still there, `null` for an empty stream. */
  readonly beforeId: string | null;
}

/**
 * The position before the first entry of a stream of which `trimmed` entries are gone; without it, of one that is not
 * counted.
 */
export function beginning(trimmed?: number, since?: number): Unread {
  return {
    kind: 'unread',
    id: ZERO_ID,
    ...(trimmed !== undefined && { ordinal: trimmed }),
    ...(since !== undefined && { since }),
  };
}

/** When what comes behind a position began to be added, in milliseconds since the epoch; `undefined` where nobody knows. */
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

/** Whether two positions are the same place of the same history. */
export function samePosition(a: Position, b: Position): boolean {
  return a.kind === b.kind && a.id === b.id && a.ordinal === b.ordinal && a.offset === b.offset;
}

/** Whether `entry` is the one that a position was saved for. */
export function isAt(position: AtEntry, entry: Entry | undefined): boolean {
  return entry?.id === position.id && hasDigest(entry, position.digest);
}
