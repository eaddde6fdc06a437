import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { cut } from '../../../functions/bus/oversize/cut.ts';
import { entryBytes, toText } from '../../../functions/event/bus-entry.ts';
import { parseExact } from '../../../functions/event/json.ts';
import { anyCharacter } from '../../any-character.ts';
import { repetitions } from '../../effort.ts';
import { json } from '../../event/json-text.ts';
import { largeEntry } from './large-entry.ts';

const LIMIT = 10_000;
const detailOf = ({ Detail }: { Detail: string }) => JSON.parse(Detail);

const name = fc.oneof(
  fc.constantFrom('event', 'jobId', 'returnvalue', 'failedReason', 'x'),
  fc.string({ maxLength: 3000 }),
);
const value = fc.oneof(
  fc.string({ unit: anyCharacter, maxLength: 20_000, size: 'max' }),
  fc.tuple(fc.constantFrom('"', '\u0000', 'ü', '😀', 'x'), fc.nat(40_000)).map(([text, times]) => text.repeat(times)),
);

describe('cutting an entry', () => {
  test.prop([fc.array(fc.tuple(name, value), { maxLength: 60 })], { numRuns: repetitions(60, 20) })(
    'always fits the limit and keeps the fields that identify the event',
    (pairs) => {
      const large = largeEntry('event', 'completed', ...pairs.flat());
      const entry = toText(large);

      const made = cut(large, LIMIT);

      expect(entryBytes(made)).toBeLessThanOrEqual(LIMIT);
      const { version, id, sourceName, prefix, queue, streamId, sequence, timestamp } = detailOf(entry);
      expect(detailOf(made)).toMatchObject({ version, id, sourceName, prefix, queue, streamId, sequence, timestamp });
      expect('truncated' in detailOf(made)).toBe(entryBytes(entry) > LIMIT);
    },
  );

  test.prop([json.filter((text) => text.length < 4000)])('keeps the digits of fields, whether cut or not', (text) => {
    const list = `[${text},"${'z'.repeat(20_000)}"]`;
    const beside = cut(largeEntry('event', 'completed', 'returnvalue', text, 'x', 'y'.repeat(20_000)), LIMIT);
    const within = cut(largeEntry('event', 'completed', 'returnvalue', list), LIMIT);

    // Without unnecessary escapes, if that makes room.
    const written = (value: string) => [value, JSON.stringify(parseExact(value))];
    expect(written(text).filter((each) => beside.Detail.includes(`"returnvalue":${each},`))).not.toEqual([]);
    const { returnvalue } = detailOf(within);
    expect(returnvalue.length).toBeGreaterThan(text.length / 6);
    expect(written(list).filter((each) => each.startsWith(returnvalue))).not.toEqual([]);
  });

  test('does not change an entry that fits', () => {
    const entry = largeEntry('event', 'failed', 'failedReason', 'boom');

    expect(cut(entry, entryBytes(toText(entry)))).toEqual(toText(entry));
  });

  test('keeps the beginning of a text and reports its length', () => {
    const reason = 'because '.repeat(5000);

    const made = cut(largeEntry('event', 'failed', 'jobId', '1', 'failedReason', reason, 'prev', 'active'), LIMIT);

    const detail = detailOf(made);
    expect(detail.truncated).toEqual([{ field: 'failedReason', bytes: 40_000 }]);
    expect(reason.startsWith(detail.failedReason)).toBe(true);
    expect(entryBytes(made)).toBeGreaterThan(LIMIT - 500);
    expect(detail).toMatchObject({ jobId: '1', prev: 'active' });
  });

  test('keeps the beginning of the JSON of a value', () => {
    const returnvalue = { rows: Array.from({ length: 5000 }, (_, n) => ({ n })) };

    const detail = detailOf(cut(largeEntry('event', 'completed', 'returnvalue', JSON.stringify(returnvalue)), LIMIT));

    expect(JSON.stringify(returnvalue).startsWith(detail.returnvalue)).toBe(true);
    expect(detail.truncated).toEqual([{ field: 'returnvalue', bytes: JSON.stringify(returnvalue).length }]);
  });

  test('counts the bytes of a value in UTF-8, and cuts no character in half', () => {
    const detail = detailOf(cut(largeEntry('event', 'failed', 'failedReason', '😀'.repeat(5000)), LIMIT));

    expect(detail.truncated).toEqual([{ field: 'failedReason', bytes: 20_000 }]);
    expect(detail.failedReason).toMatch(/^(😀)+$/u);
  });

  test.each([
    ['a text', 'failed', 'failedReason', '"😀\n'.repeat(400_000), (text: string) => text],
    ['a text that is JSON', 'completed', 'returnvalue', JSON.stringify('"😀\n'.repeat(400_000)), JSON.parse],
    ['a text that is JSON without escapes', 'completed', 'returnvalue', ` "${'€😀'.repeat(400_000)}" `, JSON.parse],
    ['a value', 'progress', 'data', ` [${'"😀", '.repeat(400_000)}1]`, (text: string) => text],
    ['what is no JSON', 'progress', 'data', '[1'.repeat(600_000), (text: string) => text],
  ])('keeps the beginning of %s of megabytes', (_, event, field, text, read) => {
    const made = cut(largeEntry('event', event, field, text), LIMIT);

    const whole: string = read(text);
    const detail = detailOf(made);
    expect(detail.truncated).toEqual([{ field, bytes: Buffer.byteLength(whole) }]);
    expect(whole.startsWith(detail[field])).toBe(true);
    expect(detail[field].isWellFormed()).toBe(true);
    expect(entryBytes(made)).toBeGreaterThan(LIMIT - 500);
    expect(entryBytes(made)).toBeLessThanOrEqual(LIMIT);
  });

  test.each([
    ['of a custom event', 'invoice', 'pdf'],
    ['with a name that objects have', 'invoice', '__proto__'],
    ['that another event has', 'failed', 'returnvalue'],
  ])('keeps the beginning of a custom field of megabytes %s', (_, event, field) => {
    const text = '"😀\n'.repeat(400_000);

    const made = cut(largeEntry('event', event, field, text, 'number', '42'), LIMIT);

    const detail = detailOf(made);
    expect(detail.truncated).toEqual([{ field: `fields.${field}`, bytes: Buffer.byteLength(text) }]);
    expect(text.startsWith(detail.fields[field])).toBe(true);
    expect(detail.fields).toMatchObject({ number: '42' });
    expect(entryBytes(made)).toBeGreaterThan(LIMIT - 500);
    expect(entryBytes(made)).toBeLessThanOrEqual(LIMIT);
  });

  test('counts bytes that are not UTF-8 as the characters that they become', () => {
    const bytes = Buffer.concat(new Array(600_000).fill(Buffer.from([0xff, 0x61])));

    const detail = detailOf(cut(largeEntry('event', 'failed', 'failedReason', bytes), LIMIT));

    expect(detail.truncated).toEqual([{ field: 'failedReason', bytes: 2_400_000 }]);
    expect(detail.failedReason).toMatch(/^(\ufffda)+\ufffd?$/);
  });

  test('does not cut a text that fits, whatever its size with escapes', () => {
    const returnvalue = `"${'\\u0078'.repeat(300_000)}"`;

    const made = cut(largeEntry('event', 'completed', 'returnvalue', returnvalue), 500_000);

    expect(detailOf(made)).toMatchObject({ returnvalue: 'x'.repeat(300_000) });
    expect(detailOf(made)).not.toHaveProperty('truncated');
  });

  test('cuts as few of many large fields as needed, and fills the room', () => {
    const values = Array.from({ length: 100 }, (_, n) => [`f${n}`, `${n}`.padEnd(40_000, 'x')]);

    const made = cut(largeEntry('event', 'invoice', ...values.flat()), 1_000_000);

    const { fields, truncated } = detailOf(made);
    const whole = values.filter(([name = '', value]) => fields[name] === value);
    expect(truncated).toHaveLength(100 - whole.length);
    expect(whole.length).toBe(24);
    expect(entryBytes(made)).toBeGreaterThan(999_000);
    expect(entryBytes(made)).toBeLessThanOrEqual(1_000_000);
  });

  test.each([
    ['one of two', { a: 600_000, b: 500_000 }, ['fields.a']],
    ['the largest of many', { a: 1000, b: 2000, c: 1_000_000, d: 3000 }, ['fields.c']],
    ['two of three', { a: 900_000, b: 900_000, c: 150_000 }, ['fields.a', 'fields.b']],
  ])('cuts only %s', (_, sizes, expected) => {
    const fields = Object.entries(sizes).flatMap(([name, size]) => [name, 'x'.repeat(size)]);

    const { truncated } = detailOf(cut(largeEntry('event', 'invoice', ...fields), 1_000_000));

    expect(truncated.map(({ field }: { field: string }) => field)).toEqual(expected);
  });

  test('fits also if the paths of cut fields have more bytes than characters', () => {
    const fields = Array.from({ length: 200 }, (_, n) => [`${'漢'.repeat(100)}${n}`, 'x'.repeat(1000)]).flat();

    const made = cut(largeEntry('event', 'invoice', ...fields), 150_000);

    expect(entryBytes(made)).toBeLessThanOrEqual(150_000);
    expect(detailOf(made).truncated.length).toBeGreaterThan(50);
  });

  test('leaves out a group of small fields next to a large field that fits', () => {
    const small = Array.from({ length: 20_000 }, (_, n) => [`f${n}`, 'x'.repeat(50)]).flat();

    const detail = detailOf(
      cut(largeEntry('event', 'completed', 'returnvalue', `"${'y'.repeat(300_000)}"`, ...small), 1_000_000),
    );

    expect(detail.returnvalue).toHaveLength(300_000);
    expect(detail.truncated).toMatchObject([{ field: 'fields' }]);
  });

  test('cuts custom fields by their path', () => {
    const detail = detailOf(cut(largeEntry('event', 'invoice', 'pdf', 'x'.repeat(50_000), 'number', '42'), LIMIT));

    expect(detail.truncated).toEqual([{ field: 'fields.pdf', bytes: 50_000 }]);
    expect(detail.fields.number).toBe('42');
  });

  test('leaves out a group of thousands of small fields', () => {
    const detail = detailOf(
      cut(largeEntry('event', 'invoice', ...Array.from({ length: 4000 }, (_, n) => `f${n}`)), LIMIT),
    );

    expect(detail.fields).toBeUndefined();
    expect(detail.truncated).toMatchObject([{ field: 'fields' }]);
  });
});
