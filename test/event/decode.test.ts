import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { CATALOGUE } from '../../functions/event/catalogue.ts';
import { decode } from '../../functions/event/decode.ts';
import { membersOf } from '../../functions/event/field.ts';
import { Elided } from '../../functions/redis/port.ts';
import type { Value } from '../../functions/stream/entry.ts';
import { anyCharacter } from '../any-character.ts';

const fields = (...texts: (string | Buffer)[]) => texts.map((text) => Buffer.from(text));

/** What the fields of an entry become in a detail, and which of them could not be read. */
function read(given: readonly Value[]) {
  const { fields: found, unparsed } = decode(given);
  return { ...JSON.parse(`{${membersOf(found).join('')}}`), ...(unparsed.length > 0 && { unparsed }) };
}

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
  fc.string({ unit: anyCharacter }),
  fc.json(),
);
const bytes = fc.oneof(
  text.map((value) => Buffer.from(value)),
  fc.uint8Array().map((value) => Buffer.from(value)),
);

test.prop([fc.array(fc.tuple(bytes, bytes))])('any fields can be decoded, and none is dropped', (pairs) => {
  const decoded = decode(pairs.flat());
  const detail = read(pairs.flat());

  const last = new Map(pairs.map(([name, value]) => [name.toString(), value.toString()]));
  for (const [name, value] of last) {
    if (name === 'event') expect(decoded.event ?? '').toBe(value);
    else if (name === 'jobId') expect(decoded.jobId).toBe(value);
    else if (decoded.fields.some(({ path }) => path === name))
      expect(detail[name]).toSatisfy((found) => isReadAs(value, found));
    else expect(detail.fields[name]).toBe(value);
  }
});

function isReadAs(text: string, found: unknown): boolean {
  if (found === text || found === Math.trunc(Number(text))) return true;
  return JSON.stringify(found) === JSON.stringify(JSON.parse(text));
}

describe('decode', () => {
  test('decodes an event of BullMQ', () => {
    expect(read(fields('event', 'completed', 'jobId', '1', 'returnvalue', '{"ok":true}', 'prev', 'active'))).toEqual({
      event: 'completed',
      jobId: '1',
      returnvalue: { ok: true },
      prev: 'active',
    });
  });

  test('keeps failedReason as a text', () => {
    expect(read(fields('event', 'failed', 'failedReason', '{"not":"json"}\nü'))).toEqual({
      event: 'failed',
      failedReason: '{"not":"json"}\nü',
    });
  });

  test.each([
    ['1795398834886', 1_795_398_834_886],
    ['1795398834886.0007', 1_795_398_834_886],
    ['-5', -5],
  ])('reads the delay %s as a number', (given, expected) => {
    expect(read(fields('event', 'delayed', 'delay', given))).toEqual({ event: 'delayed', delay: expected });
  });

  test.each(['', 'soon', '1e3', '0x10', '99999999999999999999'])(
    'leaves the delay "%s", which is not a number, as text',
    (given) => {
      expect(read(fields('event', 'delayed', 'delay', given))).toEqual({
        event: 'delayed',
        delay: given,
        unparsed: ['delay'],
      });
    },
  );

  test('leaves text that is not JSON as text', () => {
    expect(read(fields('event', 'completed', 'returnvalue', 'not json'))).toEqual({
      event: 'completed',
      returnvalue: 'not json',
      unparsed: ['returnvalue'],
    });
  });

  test('leaves JSON that is nested too deep for EventBridge as text', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

    expect(decode(fields('event', 'progress', 'data', nested(998))).unparsed).toEqual([]);
    expect(read(fields('event', 'progress', 'data', nested(999)))).toMatchObject({
      data: nested(999),
      unparsed: ['data'],
    });
    expect(decode(fields('event', 'progress', 'data', nested(100_000))).unparsed).toEqual(['data']);
  });

  test('distinguishes null from a missing field', () => {
    expect(read(fields('event', 'completed', 'returnvalue', 'null'))).toEqual({
      event: 'completed',
      returnvalue: null,
    });
  });

  test('names fields whose bytes are not UTF-8', () => {
    const broken = Buffer.from([0x22, 0xff, 0x22]);

    expect(read(fields('event', 'completed', 'returnvalue', broken, 'note', broken))).toEqual({
      event: 'completed',
      returnvalue: '"\ufffd"',
      fields: { note: '"\ufffd"' },
      unparsed: ['returnvalue', 'fields.note'],
    });
    expect(decode(fields('event', 'completed', 'returnvalue', '"\ufffd"')).unparsed).toEqual([]);
  });

  test('puts custom fields under fields, where they cannot overwrite anything', () => {
    const detail = read(fields('event', 'completed', 'jobId', '1', 'id', 'mine', '__proto__', 'x', 'queue', 'other'));

    expect(JSON.stringify(detail.fields)).toBe('{"id":"mine","__proto__":"x","queue":"other"}');
  });

  test('keeps all values of a repeated field, and the last one counts', () => {
    expect(read(fields('event', 'active', 'event', 'failed', 'failedReason', 'a', 'failedReason', 'b'))).toEqual({
      event: 'failed',
      failedReason: 'b',
      repeated: { event: ['active', 'failed'], failedReason: ['a', 'b'] },
    });
  });

  test.each([
    ['no fields', []],
    ['an empty event', fields('event', '')],
    ['other fields only', fields('jobId', '7')],
  ])('decodes an entry without an event: %s', (_, given) => {
    expect(decode(given).event).toBeUndefined();
  });

  test('a custom event has all its fields as text', () => {
    expect(read(fields('event', 'invoice', 'jobId', '7', 'amount', '42', 'empty', ''))).toEqual({
      event: 'invoice',
      jobId: '7',
      fields: { amount: '42', empty: '' },
    });
  });

  test.each(['constructor', 'toString', '__proto__'])('a custom event may be called %s', (name) => {
    expect(read(fields('event', name, 'name', 'x'))).toEqual({ event: name, fields: { name: 'x' } });
  });

  test.each([
    ['a value', 'returnvalue', 'completed', 'returnvalue'],
    ['a number', 'delay', 'delayed', 'delay'],
    ['a custom field', 'pdf', 'invoice', 'fields.pdf'],
    ['a job id', 'jobId', 'completed', 'jobId'],
  ])('has the beginning and the length of %s that is too large for memory', (_, name, event, path) => {
    const long = new Elided(96_000_000, Buffer.from('{"beginning'));

    const decoded = decode([...fields('event', event, name), long]);

    expect(decoded.fields.at(-1)).toEqual({ path, kind: 'text', bytes: long.head, whole: long.bytes });
    expect(decoded.unparsed).toEqual([]);
  });

  test('cuts the name of an event or of a field that is too large for memory', () => {
    const long = new Elided(96_000_000, Buffer.from('beginning'));

    expect(decode([...fields('event'), long]).event).toBe('beginning');
    expect(decode([...fields('event', 'x'), long, ...fields('value')]).fields.at(-1)).toEqual({
      path: 'fields.beginning',
      kind: 'text',
      bytes: Buffer.from('value'),
      whole: 5,
    });
  });
});
