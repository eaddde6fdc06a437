import { Elided, HEAD_BYTES } from './port.ts';

const NOTHING: Buffer = Buffer.alloc(0);
const NULL = Buffer.from('$-1\r\n');
const [NEWLINE, BULK, ARRAY, MINUS, ZERO] = [...Buffer.from('\n$*-0')] as [number, number, number, number, number];

/** Removes long values from the replies to one pipeline while they arrive, so that they are never in memory. */
export interface Elision {
  /** @returns the parts of a chunk for the parser, and the number of bytes that are kept, in parts or in heads */
  pass(chunk: Buffer): { readonly parts: readonly Buffer[]; readonly bytes: number };
  /** Puts an {@link Elided} into the parsed replies wherever a value was removed. */
  restore(replies: unknown[]): unknown[];
}

/**
 * Creates an elision for values of more than `longest` bytes.
 *
 * RESP2 is a sequence of lines, and a line `$<length>` is followed by that many bytes, so the nesting of replies does
 * not matter. The parser gets null for a long value. All nulls are recorded in order, so that true nulls stay null.
 * https://redis.io/docs/latest/develop/reference/protocol-spec/
 */
export function createElision(longest: number | undefined): Elision {
  if (longest === undefined) return KEEP_ALL;
  const most = longest;
  const nulls: (Elided | null)[] = [];
  /** The bytes of a line whose end has not arrived; then its first byte, its number and its sign. */
  let held = NOTHING;
  let kind = 0;
  let number = 0;
  let isNegative = false;
  /** Bytes of the current value that have not arrived, with its line end. */
  let left = 0;
  /** The current value, if it is removed. */
  let elided: Elided | undefined;

  function read(byte: number): void {
    if (kind === 0) {
      kind = byte;
      number = 0;
      isNegative = false;
    } else if (byte === MINUS) isNegative = true;
    else if (byte >= ZERO) number = number * 10 + byte - ZERO;
  }

  /** Starts the value that follows a whole line. */
  function endLine(): void {
    if ((kind === BULK || kind === ARRAY) && isNegative) nulls.push(null);
    else if (kind === BULK) {
      left = number + 2;
      elided = number > most ? new Elided(number, Buffer.alloc(Math.min(number, HEAD_BYTES))) : undefined;
      if (elided) nulls.push(elided);
    }
    kind = 0;
  }

  return {
    pass(chunk) {
      const parts: Buffer[] = [];
      let bytes = 0;
      /** Start of the bytes that are kept and not yet among the parts. */
      let kept = 0;
      const keep = (part: Buffer) => {
        if (part.length > 0) parts.push(part);
        bytes += part.length;
      };
      for (let at = 0; at < chunk.length; ) {
        if (left > 0) {
          const end = Math.min(at + left, chunk.length);
          if (elided) {
            bytes += chunk.copy(elided.head, elided.bytes + 2 - left, at, end);
            kept = end;
          }
          left -= end - at;
          at = end;
          // Not before: with its last reply a pipeline is over, and the next one has another elision.
          if (left === 0 && elided) keep(NULL);
          continue;
        }
        const start = at;
        let byte = 0;
        while (at < chunk.length && byte !== NEWLINE) {
          byte = chunk[at] as number;
          read(byte);
          at += 1;
        }
        if (byte !== NEWLINE) {
          keep(chunk.subarray(kept, start));
          kept = at;
          held = Buffer.concat([held, chunk.subarray(start)]);
          continue;
        }
        endLine();
        if (left > 0 && elided) {
          keep(chunk.subarray(kept, start));
          kept = at;
        } else keep(held);
        held = NOTHING;
      }
      keep(chunk.subarray(kept));
      return { parts, bytes };
    },
    restore(replies) {
      if (!nulls.some((value) => value)) return replies;
      let next = 0;
      const put = (reply: unknown): unknown => {
        if (Array.isArray(reply)) return reply.map(put);
        if (reply !== null) return reply;
        next += 1;
        return nulls[next - 1];
      };
      const restored = replies.map(put);
      if (next !== nulls.length) throw new Error('the replies have another number of nulls than arrived');
      return restored;
    },
  };
}

const KEEP_ALL: Elision = {
  pass: (chunk) => ({ parts: [chunk], bytes: chunk.length }),
  restore: (replies) => replies,
};
