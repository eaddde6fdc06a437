import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { isJobField, JOB_FACTS, namesOf, parseJobFields, selectionFor } from '../../functions/event/job-fields.ts';

const parts = fc
  .array(
    fc.string({ minLength: 1 }).filter((name) => /^[^\s.,=+]+$/.test(name)),
    { minLength: 1, maxLength: 3 },
  )
  .map((path) => path.join('.'));
const names = fc.oneof(
  fc.constantFrom('trace', 'data', ...Object.keys(JOB_FACTS).filter((name) => name !== 'opts')),
  parts.map((path) => `data.${path}`),
  parts.map((path) => `opts.${path}`),
);
const events = fc
  .string({ minLength: 1 })
  .filter((name) => name === name.trim() && !name.includes(',') && name !== '*');
const selections = fc.dictionary(events, fc.uniqueArray(names), { maxKeys: 4, noNullPrototype: false });

const sorted = (list: readonly string[]) => [...list].sort();

describe('the configuration of job fields', () => {
  test.prop([fc.uniqueArray(names), selections])(
    'is read as written, for all events and for single events',
    (all, single) => {
      const own = Object.entries(single).map(([event, list]) => `${event}=${list.join('+')}`);
      fc.pre(all.length + own.length > 0);
      const text = [...(all.length > 0 ? [all.join('+')] : []), ...own].join(',');

      const parsed = parseJobFields(text);

      expect(parsed && sorted(namesOf(selectionFor(parsed, 'not named')))).toEqual(sorted(all));
      expect(parsed && sorted(namesOf(selectionFor(parsed, undefined)))).toEqual(sorted(all));
      for (const [event, list] of Object.entries(single))
        expect(parsed && sorted(namesOf(selectionFor(parsed, event)))).toEqual(sorted(list));
    },
  );

  test.prop([fc.string()])('never has a name that is not known', (text) => {
    const parsed = parseJobFields(text);
    for (const one of parsed?.values() ?? []) expect(namesOf(one).every(isJobField)).toBe(true);
  });

  test('asks a job for the configured fields and for one field that every job has', () => {
    const fields = (text: string) => selectionFor(parseJobFields(text) ?? new Map(), 'x')?.hashFields;

    expect(fields('name+data.a+data.b')).toEqual(['timestamp', 'name', 'data']);
    expect(fields('attemptsMade')).toEqual(['timestamp', 'atm', 'attemptsMade']);
    expect(fields('trace')).toEqual(['timestamp', 'opts']);
    expect(fields('name,x=')).toBeUndefined();
  });

  test.each([
    ['a name that is not known', 'name+id'],
    ['a name of no object', 'name.first'],
    ['all options', 'opts'],
    ['a path without an end', 'data.'],
    ['no names', ',failed=name'],
    ['names of all events that do not come first', 'failed=name,trace'],
    ['names of all events twice', 'name,*=trace'],
    ['an event twice', 'failed=name,failed=trace'],
    ['no event', '=name'],
    ['an empty name', 'name++trace'],
  ])('is refused with %s', (_, text) => {
    expect(parseJobFields(text)).toBeUndefined();
  });
});
