import { hash } from 'node:crypto';

/** One entry of a stream: its id, and its fields as they are stored, a name and a value in turn. */
export interface Entry {
  readonly id: string;
  readonly fields: readonly Buffer[];
}

/** The bytes of an entry's fields. */
export function entrySize({ fields }: Entry): number {
  let bytes = 0;
  for (const field of fields) bytes += field.length;
  return bytes;
}

/** A short hash of an entry's fields; the lengths keep `ab`,`c` apart from `a`,`bc`. */
export function digestOf({ fields }: Entry): string {
  const lengths = Buffer.from(fields.map((field) => field.length).join());
  return hash('sha1', Buffer.concat([lengths, ...fields]), 'base64url').slice(0, 11);
}
