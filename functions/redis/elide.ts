import { Elided } from './port.ts';

/** Bytes that are kept of a long value. */
const HEAD_BYTES = 1024;

const NOTHING: Buffer = Buffer.alloc(0);
const NULL = Buffer.from('$-1\r\n');
const [NEWLINE, BULK, ARRAY, MINUS, ZERO] = [...Buffer.from('\n$*-0')] as [number, number, number, number, number];

/** Takes the long values out of the replies to one pipeline, while they arrive, so that none of them is ever in memory. */
export interface Elision {
  /** @returns the parts of a chunk that are left for a parser of RESP2, and how many bytes of it are kept there or in heads */
  pass(chunk: Buffer): { readonly parts: readonly Buffer[]; readonly bytes: number };
  /** Puts an {@link Elided} in each place of the parsed replies where a value was taken out. */
  restore(replies: unknown[]): unknown[];
}

/**
 * Makes an elision for values of more than `longest` bytes; without it, for none.
 *
 * RESP2 is a row of lines, of which `$<length>` is followed by so many bytes: a reply's nesting does not matter. A long value
 * is null to the parser. All nulls are counted, so that in the order of the replies each of them can be told apart.
 * https://redis.io/docs/latest/develop/reference/protocol-spec/
 */
export function createElision(longest: number | undefined): Elision {
  if (longest === undefined) return KEEP_ALL;
  const most = longest;
  const nulls: (Elided | null)[] = [];
  /** A line whose end has not arrived: its bytes, what it begins with, and the number in it. */
  let held = NOTHING;
  let kind = 0;
  let number = 0;
  let isNegative = false;
  /** Bytes of the current value that have not arrived, with the end of its line. */
  let left = 0;
  /** The current value, if it does not stay. */
  let elided: Elided | undefined;

  function read(byte: number): void {
    if (kind === 0) {
      kind = byte;
      number = 0;
      isNegative = false;
    } else if (byte === MINUS) isNegative = true;
    else if (byte >= ZERO) number = number * 10 + byte - ZERO;
  }

  /** What follows a line that has arrived. */
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
      /** Where that begins which is kept of this chunk and not yet among the parts. */
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
          keep(NULL);
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
