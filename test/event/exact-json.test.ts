import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { type AnyEntry, isLarge, toText } from '../../functions/event/bus-entry.ts';
import { busEntriesOf, recoveredEntry } from '../../functions/event/envelope.ts';
import { jobPart } from '../../functions/event/job.ts';
import { type JobSelection, parseJobFields } from '../../functions/event/job-fields.ts';
import { parseExact } from '../../functions/event/json.ts';
import { parseOmission } from '../../functions/event/omit.ts';
import { json } from './json-text.ts';

const origin = { sourceName: 'default', prefix: 'bull', queue: 'emails' };
const textOf = (entry: AnyEntry) => (isLarge(entry) ? toText(entry) : entry).Detail;
const buffers = (...texts: string[]) => texts.map((text) => Buffer.from(text));

const spaced = fc.tuple(json, fc.constantFrom('', ' ', '\n\t')).map(([text, space]) => `${space}${text}${space}`);

describe('JSON in Redis', () => {
  test.prop([spaced])('is unchanged in the detail: returnvalues and progress', (text) => {
    const completed = busEntriesOf(origin)(
      { id: '1-0', fields: buffers('event', 'completed', 'returnvalue', text) },
      1,
    );
    const progress = busEntriesOf(origin)({ id: '1-0', fields: buffers('event', 'progress', 'data', text) }, 1);

    expect(textOf(completed)).toContain(`"returnvalue":${text}}`);
    expect(textOf(progress)).toContain(`"data":${text}}`);
  });

  test.prop([spaced])('is unchanged in a recovered event', (text) => {
    const fields = buffers('event', 'completed', 'jobId', '1', 'returnvalue', text);

    expect(textOf(recoveredEntry(origin, fields, 1, false))).toContain(`"returnvalue":${text}}`);
  });

  test.prop([spaced])('is a text in a custom field', (text) => {
    const entry = busEntriesOf(origin)({ id: '1-0', fields: buffers('event', 'custom', 'x', text) }, 1);

    expect(JSON.parse(textOf(entry)).fields.x).toBe(text);
  });

  test.prop([json])('keeps its digits if a part of it is left out', (text) => {
    const omit = parseOmission('returnvalue.secret') ?? [];
    const fields = buffers('event', 'completed', 'returnvalue', `{"secret":1,"kept":${text}}`);
    const made = textOf(busEntriesOf(origin)({ id: '1-0', fields }, 1, { omit }));

    expect(made).toContain(`"returnvalue":${JSON.stringify(parseExact(`{"kept":${text}}`))}`);
    expect(digitsIn(made.slice(made.indexOf('"kept"')))).toEqual(digitsIn(`"kept":${text}}}`));
  });

  test.prop([json, fc.boolean()])(
    'keeps its digits in the data of a job, as a whole and in parts',
    (text, redacted) => {
      const omit = redacted ? parseOmission('job.data.secret') : undefined;
      const hash = new Map([
        ['timestamp', Buffer.from('1')],
        ['data', Buffer.from(`{"kept":${text},"secret":0}`)],
      ]);
      const of = (names: string) => {
        const part = jobPart(hash, parseJobFields(names)?.get('*') as JobSelection, { maxBytes: 1e6, omit });
        return textOf(busEntriesOf(origin)({ id: '1-0', fields: buffers('event', 'active') }, 1, { job: part }));
      };

      if (redacted) expect(digitsIn(of('data'))).toEqual(digitsIn(of('data.kept')));
      else expect(of('data')).toContain(`"job":{"data":{"kept":${text},"secret":0}}`);
      expect(digitsIn(of('data.kept').slice(of('data.kept').indexOf('"job"')))).toEqual(digitsIn(text));
    },
  );

  test.prop([json])('is written with the same digits after it was parsed', (text) => {
    expect(digitsIn(JSON.stringify(parseExact(text)))).toEqual(digitsIn(text));
  });
});

/** The numbers of a JSON text that are not in a string, in their order. */
function digitsIn(text: string): string[] {
  return text.replace(/"(\\.|[^"\\])*"/gs, '""').match(/-?\d[\d.eE+-]*/g) ?? [];
}
