import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { createElision } from '../../functions/redis/elide.ts';
import { Elided } from '../../functions/redis/port.ts';

/** A reply of RESP2: a bulk string, an array of replies, or one of the others. */
type Reply = Buffer | null | readonly Reply[] | { readonly line: string } | { readonly nullArray: true };

const leaf = (longest: number): fc.Arbitrary<Reply> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.uint8Array({ maxLength: longest }).map((bytes) => Buffer.from(bytes)) },
    // Bytes that look like the protocol itself.
    {
      weight: 2,
      arbitrary: fc
        .constantFrom('$-1\r\n', '*-1\r\n', '\r\n', '$9\r\n', '$100\r\nx', '*2\r\n', '\n\n')
        .map(Buffer.from),
    },
    { weight: 2, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.constant({ nullArray: true } as const) },
    {
      weight: 2,
      arbitrary: fc.constantFrom('+OK', ':0', ':-1', ':12345678', '-ERR no', '-$-1', '+').map((line) => ({ line })),
    },
  );
const { reply } = fc.letrec<{ reply: Reply }>((tie) => ({
  reply: fc.oneof({ maxDepth: 4 }, leaf(80), fc.array(tie('reply'), { maxLength: 5 })),
}));

function encode(value: Reply): Buffer {
  if (value === null) return Buffer.from('$-1\r\n');
  if (Buffer.isBuffer(value)) return Buffer.concat([Buffer.from(`$${value.length}\r\n`), value, Buffer.from('\r\n')]);
  if ('nullArray' in value) return Buffer.from('*-1\r\n');
  if ('line' in value) return Buffer.from(`${value.line}\r\n`);
  return Buffer.concat([Buffer.from(`*${value.length}\r\n`), ...value.map(encode)]);
}

/** As a parser gives it: errors as errors, all else as bytes. */
function parsed(value: Reply): unknown {
  if (value === null || Buffer.isBuffer(value)) return value;
  if ('nullArray' in value) return null;
  if ('line' in value) return value.line.startsWith('-') ? new Error(value.line) : value.line;
  return value.map(parsed);
}

/** What is to become of a reply. */
function elided(value: Reply, longest: number): unknown {
  if (Buffer.isBuffer(value) && value.length > longest) return new Elided(value.length, value.subarray(0, 1024));
  return Array.isArray(value) ? value.map((each) => elided(each, longest)) : parsed(value);
}

/** What a parser gets instead: long values are null. */
function short(value: Reply, longest: number): Reply {
  if (Buffer.isBuffer(value)) return value.length > longest ? null : value;
  return Array.isArray(value) ? value.map((each) => short(each, longest)) : value;
}

/** The bytes in pieces of these sizes, by turns. */
function* cut(bytes: Buffer, sizes: readonly number[]) {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

describe('an elision', () => {
  const pieces = fc.array(fc.oneof(fc.constantFrom(1, 2, 3), fc.integer({ min: 1, max: 200 })), { minLength: 1 });

  test.prop([fc.array(reply, { minLength: 1, maxLength: 6 }), fc.nat(60), pieces], { numRuns: 3000 })(
    'removes long values from any replies, whatever the chunks, and replaces them with their lengths',
    (replies, longest, sizes) => {
      const elision = createElision(longest);
      const bytes = Buffer.concat(replies.map(encode));
      const passed = [...cut(bytes, sizes)].map((piece) => elision.pass(piece));
      const parts = passed.flatMap(({ parts }) => parts);
      const rest = replies.map((each) => short(each, longest));

      // A reply is not whole for the parser before all of it has arrived: what arrives then would be taken for the next one.
      const early = passed.slice(0, -1).reduce((sum, { parts }) => sum + Buffer.concat(parts).length, 0);
      expect(early).toBeLessThan(Buffer.concat(parts).length);
      expect(Buffer.concat(parts).toString('latin1')).toBe(Buffer.concat(rest.map(encode)).toString('latin1'));
      expect(elision.restore(rest.map(parsed))).toEqual(replies.map((each) => elided(each, longest)));
    },
  );

  test.prop([fc.integer({ min: 0, max: 5000 }), pieces])(
    'counts the bytes for the parser and the heads',
    (size, sizes) => {
      const elision = createElision(10);
      const bytes = encode([Buffer.alloc(size, 'x'), Buffer.from('short')]);
      const counted = [...cut(bytes, sizes)].reduce((sum, piece) => sum + elision.pass(piece).bytes, 0);

      const dropped = size > 10 ? encode(Buffer.alloc(size)).length - '$-1\r\n'.length - Math.min(size, 1024) : 0;
      expect(counted).toBe(bytes.length - dropped);
    },
  );

  test('keeps the beginning of a long value, and none of the buffers it arrived in', () => {
    const elision = createElision(100);
    const value = Buffer.alloc(5000, 'abc');
    for (const piece of cut(encode(value), [700])) elision.pass(piece);

    const [reply] = elision.restore([null]) as [Elided];

    expect(reply).toEqual(new Elided(5000, value.subarray(0, 1024)));
    expect(reply.head.buffer.byteLength).toBe(1024);
  });

  test.each([
    [[], []],
    [[null], [null]],
    [
      ['OK', [null, 1]],
      ['OK', [null, 1]],
    ],
  ])('does not change replies without a long value: %j', (replies, same) => {
    const elision = createElision(100);
    elision.pass(Buffer.from('*2\r\n$-1\r\n:1\r\n'));

    expect(elision.restore(replies)).toBe(replies);
    expect(replies).toEqual(same);
  });
});
