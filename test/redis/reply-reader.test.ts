import { constants } from 'node:buffer';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { Elided } from '../../functions/redis/port.ts';
import { createReplyReader, type Expected } from '../../functions/redis/reply-reader.ts';
import { LazyArray } from '../../functions/redis/resp.ts';
import { repetitions } from '../effort.ts';

/** A reply of RESP2: a bulk string, an array of replies, or one of the others. */
type Reply = Buffer | null | readonly Reply[] | { readonly line: string } | { readonly nullArray: true };

const bulk = (longest: number): fc.Arbitrary<Buffer> =>
  fc.oneof(
    { weight: 2, arbitrary: fc.uint8Array({ maxLength: longest }).map((bytes) => Buffer.from(bytes)) },
    // Bytes that look like the protocol itself.
    fc.constantFrom('$-1\r\n', '*-1\r\n', '\r\n', '$9\r\n', '$100\r\nx', '*2\r\n', '\n\n', '\r').map(Buffer.from),
  );
const leaf: fc.Arbitrary<Reply> = fc.oneof(
  { weight: 4, arbitrary: bulk(80) },
  { weight: 2, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.constant({ nullArray: true } as const) },
  {
    weight: 2,
    arbitrary: fc.constantFrom('+OK', ':0', ':-1', ':12345678', '-ERR no', '-$-1', '+', '-ü').map((line) => ({ line })),
  },
);
const { anything } = fc.letrec<{ anything: Reply }>((tie) => ({
  anything: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('anything'), { maxLength: 5 })),
}));
/** A reply to `XRANGE`. */
const entries: fc.Arbitrary<Reply> = fc.array(fc.tuple(bulk(20), fc.array(bulk(80), { maxLength: 6 })), {
  maxLength: 8,
});
const pieces = fc.array(fc.oneof(fc.constantFrom(1, 2, 3), fc.integer({ min: 1, max: 200 })), { minLength: 1 });

function encode(value: Reply): Buffer {
  if (value === null) return Buffer.from('$-1\r\n');
  if (Buffer.isBuffer(value)) return Buffer.concat([Buffer.from(`$${value.length}\r\n`), value, Buffer.from('\r\n')]);
  if ('nullArray' in value) return Buffer.from('*-1\r\n');
  if ('line' in value) return Buffer.from(`${value.line}\r\n`);
  return Buffer.concat([Buffer.from(`*${value.length}\r\n`), ...value.map(encode)]);
}

/** What the reader makes of a reply. */
function decoded(value: Reply, longest: number): unknown {
  if (Buffer.isBuffer(value)) return value.length > longest ? new Elided(value.length, value.subarray(0, 1024)) : value;
  if (value === null || 'nullArray' in value) return null;
  if (!('line' in value)) return value.map((each) => decoded(each, longest));
  const [kind, text] = [value.line[0], value.line.slice(1)];
  if (kind === '-') return Object.assign(new Error(text), { name: 'ReplyError' });
  return kind === ':' ? Number(text) : Buffer.from(text);
}

/** A reply with the elements of all lazy arrays. */
function inFull(reply: unknown): unknown {
  if (reply instanceof LazyArray) return inFull(reply.read());
  return Array.isArray(reply) ? reply.map(inFull) : reply;
}

/** What ioredis gets in place of a reply. */
const placeholder = (value: Reply) =>
  value !== null && 'line' in value && value.line.startsWith('-') ? `${value.line}\r\n` : '+\r\n';

/** The bytes in pieces of these sizes, in turn; each one is overwritten when the next one comes. */
function* cut(bytes: Buffer, sizes: readonly number[]) {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    const piece = Buffer.from(bytes.subarray(at, at + size));
    yield piece;
    piece.fill('!');
    at += size;
  }
}

/** Reads bytes in pieces. */
function read(expected: Expected, bytes: Buffer, sizes = [bytes.length]) {
  const reader = createReplyReader(expected);
  const forIoredis = Array.from(cut(bytes, sizes), (piece) => reader.read(piece));
  return { reader, forIoredis, replies: reader.replies.map(inFull) };
}

describe('the reply reader', () => {
  test.prop([fc.array(fc.oneof(anything, entries), { minLength: 1, maxLength: 6 }), fc.nat(60), pieces, fc.boolean()], {
    numRuns: repetitions(5000, 1000),
  })('reads any replies, whatever the chunks, and cuts long values', (values, longest, sizes, lazy) => {
    const bytes = Buffer.concat(values.map(encode));
    const { replies } = read({ replies: values.length, isLazy: () => lazy, longest }, bytes, sizes);

    expect(replies).toEqual(values.map((each) => decoded(each, longest)));
  });

  test.prop([fc.array(fc.oneof(anything, entries), { minLength: 1, maxLength: 6 }), pieces])(
    'gives ioredis one short reply for each, once all of it has arrived',
    (values, sizes) => {
      const reader = createReplyReader({ replies: values.length, isLazy: () => true, longest: 20 });
      const ends = values.map((_, i) => Buffer.concat(values.slice(0, i + 1).map(encode)).length);
      let arrived = 0;
      let given = '';
      for (const piece of cut(Buffer.concat(values.map(encode)), sizes)) {
        arrived += piece.length;
        given += reader.read(piece).toString();
        const whole = ends.filter((end) => end <= arrived).length;
        expect(given).toBe(values.slice(0, whole).map(placeholder).join(''));
      }
    },
  );

  test.prop([fc.integer({ min: 0, max: 5000 }), pieces])(
    'counts the bytes that arrived, but of a long value only its head',
    (size, sizes) => {
      const bytes = encode([Buffer.alloc(size, 'x'), Buffer.from('short')]);
      const { reader } = read({ replies: 1, longest: 10 }, bytes, sizes);

      expect(reader.received).toBe(bytes.length - (size > 10 ? Math.max(0, size - 1024) : 0));
    },
  );

  test('keeps the beginning of a long value, and none of the buffers it arrived in', () => {
    const value = Buffer.alloc(5000, 'abc');
    const [reply] = read({ replies: 1, longest: 100 }, encode(value), [700]).replies as [Elided];

    expect(reply).toEqual(new Elided(5000, value.subarray(0, 1024)));
    expect(reply.head.buffer.byteLength).toBe(1024);
  });

  test('keeps a value that came in several chunks in memory of its own', () => {
    const [reply] = read({ replies: 1 }, encode(Buffer.alloc(5000, 'abc')), [700]).replies as [Buffer];

    expect(reply.buffer.byteLength).toBe(5000);
  });

  test('reads the entries of one chunk only when they are needed', () => {
    const entry = [Buffer.from('1-1'), [Buffer.from('event'), Buffer.from('completed')]];
    const { reader } = read(
      { replies: 2, isLazy: (reply) => reply === 1 },
      Buffer.concat([entry, [entry]].map(encode)),
    );

    const [eager, [lazy]] = reader.replies as [unknown, [LazyArray]];
    expect(eager).toEqual(entry);
    expect(lazy).toBeInstanceOf(LazyArray);
    expect(lazy.first()).toEqual(entry[0]);
    expect(lazy.read()).toEqual(entry);
    expect(lazy.size).toBe(encode(entry).length);
  });

  test.each([
    ['an answer of another protocol', 'HTTP/1.1 400 Bad Request\r\n\r\n', 0],
    ['a reply to no command', '+OK\r\n-ERR too many\r\n', 1],
    ['another protocol behind a reply', '+OK\r\n%1\r\n', 1],
  ])('leaves %s to ioredis', (_, text, replies) => {
    for (const sizes of [[text.length], [1]]) {
      const { forIoredis, reader } = read({ replies: 1 }, Buffer.from(text), sizes);

      expect(Buffer.concat(forIoredis).toString()).toBe(replies === 0 ? text : text.replace('OK', ''));
      expect(reader.replies).toHaveLength(replies);
    }
  });

  test.each([
    ['an array in an array, twenty thousand times', '*1\r\n'.repeat(20_000)],
    ['a value that is longer than Node can hold', `$${constants.MAX_LENGTH}0\r\nabc`],
    ['an array of a billion elements', '*1000000000\r\n$1\r\nx\r\n'],
    ['a line without an end', '+'.repeat(100_000)],
  ])('does not fail at %s', (_, text) => {
    for (const sizes of [[text.length], [65_536]]) {
      const bytes = Buffer.concat([Buffer.from('*1\r\n'), Buffer.from(text)]);
      expect(read({ replies: 1, isLazy: () => true }, bytes, sizes).replies).toEqual([]);
    }
  });
});
