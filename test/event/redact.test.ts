import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { type AnyEntry, isLarge, toText } from '../../functions/event/bus-entry.ts';
import { busEntriesOf, recoveredEntry } from '../../functions/event/envelope.ts';
import { OMITTABLE, type Omission, parseOmission } from '../../functions/event/omit.ts';

const origin = { sourceName: 'default', prefix: 'bull', queue: 'emails' };
const detailOf = (made: AnyEntry) => JSON.parse(isLarge(made) ? toText(made).Detail : made.Detail);

const omissionOf = (list: string): Omission => {
  const omission = parseOmission(list);
  if (!omission) throw new Error(`${list} is no list of paths`);
  return omission;
};

const entryOf = (omit: string, ...texts: (string | Buffer)[]) =>
  busEntriesOf(origin)({ id: '1-0', fields: texts.map((text) => Buffer.from(text)) }, 1, { omit: omissionOf(omit) });

const detail = (omit: string, ...texts: (string | Buffer)[]) => detailOf(entryOf(omit, ...texts));

const completed = (value: unknown) => ['event', 'completed', 'jobId', '1', 'returnvalue', JSON.stringify(value)];

/** Nowhere else in a detail. */
const SECRET = '5EC12E7';

/** Any JSON with a secret in it, and a path to it: with names, indexes, or `*` for some of them. */
const hidden = fc
  .record({
    around: fc.jsonValue({ maxDepth: 2 }),
    steps: fc.array(fc.record({ name: fc.oneof(fc.string(), fc.nat(3)), isWild: fc.boolean() }), {
      minLength: 1,
      maxLength: 5,
    }),
    secret: fc.oneof(fc.constant(SECRET), fc.constant({ [SECRET]: [SECRET] })),
  })
  .filter(({ steps }) => steps.every(({ name }) => !`${name}`.includes(',') && `${name}`.trim() === name.toString()))
  .filter(({ steps }) => steps.every(({ name }) => name !== '' && !/^\.|\.$|\.\./.test(`${name}`)))
  .map(({ around, steps, secret }) => {
    const value = steps.reduceRight<unknown>((inner, { name }) => {
      if (typeof name === 'number') return Array.from({ length: name + 2 }, (_, i) => (i === name ? inner : around));
      return { before: around, [name]: inner };
    }, secret);
    return { value, path: steps.map(({ name, isWild }) => (isWild ? '*' : `${name}`)).join('.') };
  });

describe('an omitted path', () => {
  test.prop([hidden])('is in no event, wherever it is in a value, and the event names it', ({ value, path }) => {
    const omit = `returnvalue.${path}`;
    const made = entryOf(omit, ...completed(value));

    expect(JSON.stringify(made)).not.toContain(SECRET);
    expect(detailOf(made).omitted).toEqual([omit]);
  });

  test.prop([hidden])('is in no recovered event either', ({ value, path }) => {
    const fields = completed(value).map((text) => Buffer.from(text));
    const made = recoveredEntry(origin, fields, 1, false, { omit: omissionOf(`returnvalue.${path}`) });

    expect(JSON.stringify(made)).not.toContain(SECRET);
    expect(detailOf(made)).toMatchObject({ recovered: true, omitted: [`returnvalue.${path}`] });
  });

  test.prop([hidden, fc.boolean()])(
    'does not match in a list unless it has a step for the list',
    ({ value, path }, deep) => {
      // Else it does say so.
      fc.pre(!/^(\*|\d+)(\.|$)/.test(path));
      const list = deep ? [[1, value], null] : [value, 'other'];

      expect(JSON.stringify(entryOf(`returnvalue.${path}`, ...completed(list)))).not.toContain(SECRET);
    },
  );

  test.prop([fc.json(), fc.json()])('does not change the rest of the event', (json, other) => {
    const entry = {
      id: '1-0',
      fields: ['event', 'completed', 'returnvalue', json, 'x', other].map((s) => Buffer.from(s)),
    };
    const omit = omissionOf('failedReason,returnvalue.no.such.name.at.all,fields.other,job.data');

    expect(busEntriesOf(origin)(entry, 1, { omit })).toEqual(busEntriesOf(origin)(entry, 1));
  });

  test('can be a field of any event', () => {
    expect(detail('failedReason', 'event', 'failed', 'jobId', '1', 'failedReason', SECRET, 'prev', 'active')).toEqual({
      version: '1',
      id: 'default/bull:emails/1-0',
      ...origin,
      event: 'failed',
      streamId: '1-0',
      sequence: 1,
      timestamp: 1,
      jobId: '1',
      prev: 'active',
      omitted: ['failedReason'],
    });
    expect(detail('data', 'event', 'progress', 'jobId', '1', 'data', `"${SECRET}"`)).not.toHaveProperty('data');
    expect(detail('data', 'event', 'invoice', 'data', SECRET)).toMatchObject({ event: 'invoice', omitted: ['data'] });
    expect(detail('data', 'event', 'invoice', 'data', SECRET)).not.toHaveProperty('fields');
  });

  test('can be in an object, in some elements of a list or in all', () => {
    const value = {
      card: { number: 1, type: 'visa' },
      items: [
        { token: 1, n: 1 },
        { token: 2, n: 2 },
      ],
      keep: true,
    };
    const left = (omit: string) => detail(omit, ...completed(value)).returnvalue;

    expect(left('returnvalue.card.number')).toEqual({ ...value, card: { type: 'visa' } });
    expect(left('returnvalue.items.*.token')).toEqual({ ...value, items: [{ n: 1 }, { n: 2 }] });
    expect(left('returnvalue.items.token')).toEqual({ ...value, items: [{ n: 1 }, { n: 2 }] });
    expect(left('returnvalue.items.1')).toEqual({ ...value, items: [value.items[0], null] });
    expect(left('returnvalue.*.token')).toEqual({ ...value, items: [{ n: 1 }, { n: 2 }] });
    expect(left('returnvalue.items,returnvalue.card')).toEqual({ keep: true });
    expect(left('returnvalue')).toBeUndefined();
  });

  test('is named once, as configured, in the place of the value', () => {
    const omit = 'returnvalue.*.a,failedReason,returnvalue.no,returnvalue.list';

    expect(detail(omit, ...completed({ x: { a: 1 }, y: { a: 2 }, list: [] })).omitted).toEqual([
      'returnvalue.*.a',
      'returnvalue.list',
    ]);
    expect(detail(omit, ...completed({ x: 1 }))).not.toHaveProperty('omitted');
  });

  test('removes a whole field that was not parsed, because its content is unknown', () => {
    const deep = '['.repeat(1200) + ']'.repeat(1200);
    for (const text of [`{${SECRET}`, Buffer.from([0x22, 0xff, 0x22]), deep]) {
      const made = detail('returnvalue.card', 'event', 'completed', 'jobId', '1', 'returnvalue', text);
      expect(made).toMatchObject({ jobId: '1', omitted: ['returnvalue.card'] });
      expect(made).not.toHaveProperty('returnvalue');
      expect(made).not.toHaveProperty('unparsed');
    }
  });

  test('removes a whole field that is too large to be parsed', () => {
    const large = JSON.stringify({ card: SECRET, rest: 'x'.repeat(1_000_001) });
    const made = entryOf('returnvalue.card', 'event', 'completed', 'jobId', '1', 'returnvalue', large);

    expect(isLarge(made)).toBe(false);
    expect(detailOf(made)).toMatchObject({ jobId: '1', omitted: ['returnvalue.card'] });
    expect(isLarge(entryOf('returnvalue', 'event', 'completed', 'returnvalue', large))).toBe(false);
    expect(isLarge(entryOf('failedReason', 'event', 'completed', 'returnvalue', large))).toBe(true);
    expect(isLarge(entryOf('fields.x', 'event', 'custom', 'x', large, 'y', 'kept'))).toBe(false);
    expect(isLarge(entryOf('fields', 'event', 'custom', 'x', large))).toBe(false);
    expect(detail('fields.x', 'event', 'custom', 'x', large, 'y', 'kept')).toMatchObject({
      omitted: ['fields.x'],
      fields: { y: 'kept' },
    });
    expect(isLarge(entryOf('fields.y', 'event', 'custom', 'x', large, 'y', SECRET))).toBe(true);
  });

  test('removes all values of a repeated field', () => {
    const values = [
      { card: 1, a: 1 },
      { card: 2, a: 2 },
    ].map((value) => JSON.stringify(value));
    const fields = values.flatMap((value) => ['returnvalue', value]);

    const made = detail('returnvalue.card', 'event', 'completed', ...fields, 'x', '1', 'x', '2');
    expect(made).toMatchObject({ returnvalue: { a: 2 }, repeated: { x: ['1', '2'] }, omitted: ['returnvalue.card'] });
    expect(made.repeated).not.toHaveProperty('returnvalue');
    expect(detail('fields.x.y', 'event', 'paid', 'x', '1', 'x', '2')).not.toHaveProperty('repeated');
  });

  test('removes a whole custom field that it leads into, because the field is a text', () => {
    const custom = ['event', 'paid', 'card', '{"number":1}', 'card.number', '1', 'note', 'x', '__proto__', 'y'];

    expect(detail('fields.card.number', ...custom).fields).toEqual(JSON.parse('{"note":"x","__proto__":"y"}'));
    expect(detail('fields.__proto__', ...custom).fields).not.toHaveProperty('__proto__');
    expect(detail('fields.*', ...custom)).not.toHaveProperty('fields');
    expect(detail('fields', ...custom)).toMatchObject({ omitted: ['fields'] });
    expect(detail('fields', ...completed(1))).not.toHaveProperty('omitted');
  });

  test('does not change the names of other fields that were not parsed', () => {
    const made = detail(
      'fields.a',
      'event',
      'completed',
      'returnvalue',
      '{',
      'a',
      Buffer.from([0xff]),
      'b',
      Buffer.from([0xff]),
    );
    expect(made.unparsed).toEqual(['returnvalue', 'fields.b']);
  });

  test.each([
    'id',
    'jobId',
    'queue.x',
    'event',
    'streamId',
    'sequence',
    'timestamp',
    'version',
    'prefix',
    'sourceName',
    'repeated',
    'omitted',
    '*',
    '',
    'customer',
    'returnvalue.',
    'a,,b',
    'job',
    'job.id',
    'job.name.first',
    'job.*',
  ])('cannot be %j, which is not a field or identifies the event', (path) => {
    expect(parseOmission(`failedReason,${path}`)).toBeUndefined();
  });

  test('is described for messages', () => {
    expect(OMITTABLE).toMatchInlineSnapshot(
      `"attemptsMade, count, data, debounceId, deduplicatedJobId, deduplicationId, delay, failedReason, name, prev, returnvalue, fields, or job.<name>"`,
    );
  });
});
