import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { CATALOGUE } from '../../functions/event/catalogue.ts';
import { decode } from '../../functions/event/decode.ts';

const fields = (...texts: (string | Buffer)[]) => texts.map((text) => Buffer.from(text));

/** Names and values as an attacker would choose them, beside ordinary ones. */
const text = fc.oneof(
  fc.constantFrom(
    'event',
    'jobId',
    'returnvalue',
    'data',
    'delay',
    '__proto__',
    'constructor',
    'toString',
    '',
    'prev',
    ...Object.keys(CATALOGUE),
  ),
  fc.string({ unit: 'binary' }),
  fc.json(),
);
const bytes = fc.oneof(
  text.map((value) => Buffer.from(value)),
  fc.uint8Array().map((value) => Buffer.from(value)),
);

test.prop([fc.array(fc.tuple(bytes, bytes))])('any fields can be read, and none is dropped', (pairs) => {
  const decoded = decode(pairs.flat());

  const last = new Map(pairs.map(([name, value]) => [name.toString(), value.toString()]));
  for (const [name, value] of last) {
    if (name === 'event') expect(decoded.event ?? '').toBe(value);
    else if (name === 'jobId') expect(decoded.jobId).toBe(value);
    else if (Object.hasOwn(decoded.known, name))
      expect(decoded.known[name]).toSatisfy((found) => isReadAs(value, found));
    else expect(decoded.fields?.[name]).toBe(value);
  }
  expect(() => JSON.stringify(decoded)).not.toThrow();
});

function isReadAs(text: string, found: unknown): boolean {
  if (found === text || found === Math.trunc(Number(text))) return true;
  return JSON.stringify(found) === JSON.stringify(JSON.parse(text));
}

test.prop([fc.json()])('what a worker returns arrives as it was', (json) => {
  expect(decode(fields('event', 'completed', 'jobId', '1', 'returnvalue', json)).known['returnvalue']).toEqual(
    JSON.parse(json),
  );
});

describe('decode', () => {
  test('reads an event of BullMQ', () => {
    expect(decode(fields('event', 'completed', 'jobId', '1', 'returnvalue', '{"ok":true}', 'prev', 'active'))).toEqual({
      event: 'completed',
      jobId: '1',
      known: { returnvalue: { ok: true }, prev: 'active' },
    });
  });

  test('leaves a reason of failure as the text it is', () => {
    expect(decode(fields('event', 'failed', 'jobId', '1', 'failedReason', '{"not":"json"}\nü')).known).toEqual({
      failedReason: '{"not":"json"}\nü',
    });
  });

  test.each([
    ['1795398834886', 1_795_398_834_886],
    ['1795398834886.0007', 1_795_398_834_886],
    ['-5', -5],
  ])('reads the delay %s as a number', (given, expected) => {
    expect(decode(fields('event', 'delayed', 'jobId', '1', 'delay', given)).known).toEqual({ delay: expected });
  });

  test.each(['', 'soon', '1e3', '0x10', '99999999999999999999'])(
    'leaves the delay "%s", which is no whole number, as text',
    (given) => {
      expect(decode(fields('event', 'delayed', 'delay', given))).toEqual({
        event: 'delayed',
        known: { delay: given },
        unparsed: ['delay'],
      });
    },
  );

  test('leaves text that is not JSON as text', () => {
    expect(decode(fields('event', 'completed', 'returnvalue', 'not json'))).toEqual({
      event: 'completed',
      known: { returnvalue: 'not json' },
      unparsed: ['returnvalue'],
    });
  });

  test('leaves JSON nested deeper than EventBridge takes as text', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

    expect(decode(fields('event', 'progress', 'data', nested(998))).unparsed).toBeUndefined();
    expect(decode(fields('event', 'progress', 'data', nested(999)))).toMatchObject({
      known: { data: nested(999) },
      unparsed: ['data'],
    });
    expect(decode(fields('event', 'progress', 'data', nested(100_000))).unparsed).toEqual(['data']);
  });

  test('keeps null apart from nothing', () => {
    expect(decode(fields('event', 'completed', 'returnvalue', 'null'))).toEqual({
      event: 'completed',
      known: { returnvalue: null },
    });
  });

  test('names fields whose bytes are not UTF-8', () => {
    const broken = Buffer.from([0x22, 0xff, 0x22]);

    expect(decode(fields('event', 'completed', 'returnvalue', broken, 'note', broken))).toEqual({
      event: 'completed',
      known: { returnvalue: '"\ufffd"' },
      fields: { note: '"\ufffd"' },
      unparsed: ['returnvalue', 'fields.note'],
    });
    expect(decode(fields('event', 'completed', 'returnvalue', '"\ufffd"')).unparsed).toBeUndefined();
  });

  test('puts what BullMQ does not write under fields, where it cannot overwrite anything', () => {
    const decoded = decode(
      fields('event', 'completed', 'jobId', '1', 'id', 'mine', '__proto__', 'x', 'queue', 'other'),
    );

    expect(JSON.stringify(decoded.fields)).toBe('{"id":"mine","__proto__":"x","queue":"other"}');
  });

  test('keeps all values of a repeated field, and the last one counts', () => {
    expect(decode(fields('event', 'active', 'event', 'failed', 'failedReason', 'a', 'failedReason', 'b'))).toEqual({
      event: 'failed',
      known: { failedReason: 'b' },
      repeated: { event: ['active', 'failed'], failedReason: ['a', 'b'] },
    });
  });

  test.each([
    ['no fields', []],
    ['an empty event', fields('event', '')],
    ['other fields only', fields('jobId', '7')],
  ])('decodes an entry without an event: %s', (_, given) => {
    expect(decode(given)).not.toHaveProperty('event');
  });

  test('a custom event has all its fields as text', () => {
    expect(decode(fields('event', 'invoice', 'jobId', '7', 'amount', '42', 'empty', ''))).toEqual({
      event: 'invoice',
      jobId: '7',
      known: {},
      fields: { amount: '42', empty: '' },
    });
  });

  test.each(['constructor', 'toString', '__proto__'])('a custom event may be called %s', (name) => {
    expect(decode(fields('event', name, 'name', 'x'))).toEqual({ event: name, known: {}, fields: { name: 'x' } });
  });
});
