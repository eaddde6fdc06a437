import { hash } from 'node:crypto';
import { Elided, HEAD_BYTES } from '../redis/port.ts';
import { LazyArray } from '../redis/resp.ts';

/** A name or a value as Redis stores it, or the beginning of one that is too large for memory. */
export type Value = Buffer | Elided;

/** A stream entry: its id, and its fields as Redis stores them, names and values in turn. */
export interface Entry {
  readonly id: string;
  readonly fields: readonly Value[];
}

/** An entry that stays as it arrived, so each use of its id or its fields reads them anew. */
class LazyEntry implements Entry {
  readonly #reply: LazyArray;

  constructor(reply: LazyArray) {
    this.#reply = reply;
  }

  get id() {
    return idOf(this.#reply.first());
  }

  get fields() {
    return (this.#reply.read()[1] ?? []) as readonly Value[];
  }

  get size() {
    return this.#reply.size;
  }
}

/** The entries in a reply to `XRANGE`. */
export function toEntries(reply: unknown): Entry[] {
  return (reply as (LazyArray | [Buffer, Value[] | null])[]).map((entry) => {
    if (entry instanceof LazyArray) return new LazyEntry(entry);
    const [id, fields] = entry;
    return { id: idOf(id), fields: fields ?? [] };
  });
}

function idOf(reply: unknown): string {
  return (reply as Buffer).toString('latin1');
}

/** Whether a value was too large for memory and was cut to its beginning. */
export function isCut(value: Value): value is Elided {
  return value instanceof Elided;
}

/** The bytes of a value, or of its beginning if it was cut. */
export function bytesOf(value: Value): Buffer {
  return isCut(value) ? value.head : value;
}

/** The length of the whole value in bytes. */
export function lengthOf(value: Value): number {
  return isCut(value) ? value.bytes : value.length;
}

/** The bytes of an entry that are in memory. */
export function entrySize(entry: Entry): number {
  if (entry instanceof LazyEntry) return entry.size;
  let bytes = 0;
  for (const field of entry.fields) bytes += bytesOf(field).length;
  return bytes;
}

/**
 * A short hash of an entry's fields: their lengths, which tell `ab`,`c` and `a`,`bc` apart, and the beginning of each.
 *
 * The beginnings are known even for an entry that is too large for memory.
 */
export function digestOf({ fields }: Entry): string {
  return digest(
    fields,
    fields.map((field) => bytesOf(field).subarray(0, HEAD_BYTES)),
  );
}

/** Whether an entry has this digest. Before version 0.2, a digest covered the whole of each field. */
export function hasDigest(entry: Entry, expected: string): boolean {
  return digestOf(entry) === expected || digest(entry.fields, entry.fields.map(bytesOf)) === expected;
}

function digest(fields: readonly Value[], parts: readonly Buffer[]): string {
  const lengths = Buffer.from(fields.map(lengthOf).join());
  return hash('sha1', Buffer.concat([lengths, ...parts]), 'base64url').slice(0, 11);
}
