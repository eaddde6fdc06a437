import { hash } from 'node:crypto';
import { Elided, HEAD_BYTES } from '../redis/port.ts';

/** A name or a value as it is stored, or what is left of one that is too large for memory. */
export type Value = Buffer | Elided;

/** One entry of a stream: its id, and its fields as they are stored, a name and a value in turn. */
export interface Entry {
  readonly id: string;
  readonly fields: readonly Value[];
}

/** Whether a value is too large for memory, so that only its beginning is there. */
export function isCut(value: Value): value is Elided {
  return value instanceof Elided;
}

/** The value, or the beginning of one that is too large for memory. */
export function bytesOf(value: Value): Buffer {
  return isCut(value) ? value.head : value;
}

/** The length of the whole value in bytes. */
export function lengthOf(value: Value): number {
  return isCut(value) ? value.bytes : value.length;
}

/** The bytes of an entry's fields that are in memory. */
export function entrySize({ fields }: Entry): number {
  let bytes = 0;
  for (const field of fields) bytes += bytesOf(field).length;
  return bytes;
}

/**
 * A short hash of an entry's fields: their lengths, which keep `ab`,`c` apart from `a`,`bc`, and the beginning of each.
 *
 * The beginnings are there of an entry that is too large for memory, too.
 */
export function digestOf({ fields }: Entry): string {
  return digest(
    fields,
    fields.map((field) => bytesOf(field).subarray(0, HEAD_BYTES)),
  );
}

/** Whether an entry has this digest. Until version 0.2, the whole of each field counted. */
export function hasDigest(entry: Entry, expected: string): boolean {
  return digestOf(entry) === expected || digest(entry.fields, entry.fields.map(bytesOf)) === expected;
}

function digest(fields: readonly Value[], parts: readonly Buffer[]): string {
  const lengths = Buffer.from(fields.map(lengthOf).join());
  return hash('sha1', Buffer.concat([lengths, ...parts]), 'base64url').slice(0, 11);
}
