import { hash } from 'node:crypto';
import { ZERO_ID } from './id.ts';

/** One entry of a stream: its id, and its fields as they are stored, a name and a value in turn. */
export interface Entry {
  readonly id: string;
  readonly fields: readonly Buffer[];
}

/** How far a queue's stream has been read. */
export interface Position {
  /** Stream id of the last entry that was read. */
  readonly id: string;
  /** How many entries the stream had ever received up to and including `id`; absent where the server cannot tell. */
  readonly ordinal?: number;
  /**
   * Short hash of that entry's fields, empty where the entry is not in the stream. A promoted replica whose clock is
   * behind can give another entry the very same id and ordinal; only its content tells them apart.
   */
  readonly digest: string;
}

/** Entries of one stream in a row, with what was lost in front of them. */
export interface Page {
  readonly queue: string;
  /** The position the page was read from; absent for a queue seen first. */
  readonly from: Position | undefined;
  /** Where the entries begin: `from`, moved past what was lost. */
  readonly start: Position;
  readonly entries: readonly Entry[];
  readonly loss?: Loss | undefined;
}

/** Entries that can no longer be read. */
export interface Loss {
  readonly reason: 'trimmed' | 'reset' | 'rolled-back' | 'unknown';
  /** How many entries are known to be lost. */
  readonly lost: number;
  /** Whether `lost` is the very number; otherwise it is what is at least known. */
  readonly exact: boolean;
  readonly afterId: string;
  /** The oldest entry still there, `null` for an empty stream. */
  readonly beforeId: string | null;
}

/** The position before the first entry of a stream of which `trimmed` entries are gone. */
export function beginning(trimmed: number | undefined): Position {
  return { id: ZERO_ID, ...(trimmed !== undefined && { ordinal: trimmed }), digest: '' };
}

/** The position after the first `count` entries of a page. */
export function positionAfter(page: Page, count: number): Position {
  const last = page.entries[count - 1];
  if (!last) return page.start;
  const { ordinal } = page.start;
  return positionAt(last, ordinal === undefined ? undefined : ordinal + count);
}

/** The position of an entry. */
export function positionAt(entry: Entry, ordinal: number | undefined): Position {
  return { id: entry.id, ...(ordinal !== undefined && { ordinal }), digest: digest(entry) };
}

/** Whether two positions are the same place of the same history. */
export function samePosition(a: Position | undefined, b: Position): boolean {
  return a?.id === b.id && a.ordinal === b.ordinal;
}

/** Whether `entry` is the one that `position` was saved for. */
export function isAt(position: Position, entry: Entry | undefined): boolean {
  return entry?.id === position.id && position.digest === digest(entry);
}

/** The bytes of an entry's fields. */
export function entrySize({ fields }: Entry): number {
  let bytes = 0;
  for (const field of fields) bytes += field.length;
  return bytes;
}

/** A short hash of an entry's fields; the lengths keep `ab`,`c` apart from `a`,`bc`. */
function digest(entry: Entry): string {
  const lengths = Buffer.from(entry.fields.map((field) => field.length).join());
  return hash('sha1', Buffer.concat([lengths, ...entry.fields]), 'base64url').slice(0, 11);
}
