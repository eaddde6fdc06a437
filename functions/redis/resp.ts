/** The first byte of each kind of reply. https://redis.io/docs/latest/develop/reference/protocol-spec/ */
export const [STATUS = 0, ERROR = 0, INTEGER = 0, BULK = 0, ARRAY = 0] = Buffer.from('+-:$*');
const [MINUS = 0, CR = 0, ZERO = 0] = Buffer.from('-\r0');
/** The length of a line end. */
export const LINE_END = 2;

/** A place in bytes, from which replies are read. */
export interface ReplyCursor {
  readonly bytes: Buffer;
  at: number;
}

/** Reads a line with a number, from its second byte. @returns NaN if the line is not whole; the cursor is then anywhere */
export function readNumber(cursor: ReplyCursor): number {
  const { bytes } = cursor;
  const isNegative = bytes[cursor.at] === MINUS;
  if (isNegative) cursor.at += 1;
  let number = 0;
  for (; cursor.at < bytes.length - 1; cursor.at += 1) {
    const byte = bytes[cursor.at] as number;
    if (byte === CR) {
      cursor.at += LINE_END;
      return isNegative ? -number : number;
    }
    number = number * 10 + byte - ZERO;
  }
  return Number.NaN;
}

/**
 * Moves a cursor behind a bulk string, or an array of them.
 *
 * @returns whether it is whole, has at most `depth` levels of arrays, and no string is longer than `longest`
 */
function skip(cursor: ReplyCursor, longest: number, depth: number): boolean {
  const kind = cursor.bytes[cursor.at++];
  const length = readNumber(cursor);
  if (kind === BULK) {
    if (length >= 0) cursor.at += length + LINE_END;
    return length <= longest && cursor.at <= cursor.bytes.length;
  }
  if (kind !== ARRAY || depth === 0 || Number.isNaN(length)) return false;
  for (let i = 0; i < length; i += 1) if (!skip(cursor, longest, depth - 1)) return false;
  return true;
}

/** Reads what {@link skip} has passed. */
function decode(cursor: ReplyCursor): unknown {
  const kind = cursor.bytes[cursor.at++];
  const length = readNumber(cursor);
  if (length < 0) return null;
  if (kind === ARRAY) {
    const elements: unknown[] = [];
    for (let i = 0; i < length; i += 1) elements.push(decode(cursor));
    return elements;
  }
  const start = cursor.at;
  cursor.at += length + LINE_END;
  return cursor.bytes.subarray(start, start + length);
}

/** Levels of arrays in a stream entry: the entry, and its fields. */
const ENTRY_DEPTH = 2;

/**
 * An array of a reply that stays as it arrived until it is needed.
 *
 * A sweep has up to ten thousand entries, and each garbage collection would copy the small buffers of all their values.
 */
export class LazyArray {
  readonly #bytes: Buffer;
  readonly #start: number;
  /** The number of its bytes in memory. */
  readonly size: number;

  private constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#start = start;
    this.size = end - start;
  }

  /** The array at a place; `undefined` if it is not whole, or has anything but bulk strings up to a length. */
  static at(bytes: Buffer, start: number, longest: number): LazyArray | undefined {
    const cursor = { bytes, at: start };
    return skip(cursor, longest, ENTRY_DEPTH) ? new LazyArray(bytes, start, cursor.at) : undefined;
  }

  /** Its first element, a bulk string. */
  first(): Buffer {
    const cursor = { bytes: this.#bytes, at: this.#start + 1 };
    readNumber(cursor);
    return decode(cursor) as Buffer;
  }

  /** Its elements, read anew each time. */
  read(): unknown[] {
    return decode({ bytes: this.#bytes, at: this.#start }) as unknown[];
  }
}
