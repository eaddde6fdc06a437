import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { JsonValue } from '../../functions/event/detail.ts';
import { type JobPart, jobPart } from '../../functions/event/job.ts';
import { type JobSelection, parseJobFields } from '../../functions/event/job-fields.ts';
import { parseOmission } from '../../functions/event/omit.ts';
import type { JobHash } from '../../functions/stream/job-hashes.ts';

const select = (names: string) => parseJobFields(names)?.get('*') as JobSelection;

/** A hash as it is read; a field that is not given is not there. */
const hashOf = (selection: JobSelection, fields: Record<string, string | Buffer>): JobHash =>
  new Map(selection.hashFields.map((name) => [name, name in fields ? Buffer.from(fields[name] as string) : null]));

function tell(names: string, fields: Record<string, string | Buffer>, { omit = '', maxBytes = 4096 } = {}) {
  const selection = select(names);
  return read(jobPart(hashOf(selection, fields), selection, { maxBytes, omit: parseOmission(omit) }));
}

function read({ json, ...part }: JobPart) {
  return { ...part, ...(json && { job: JSON.parse(json.toString()) }) };
}

const JOB = {
  name: 'send',
  timestamp: '1795398834833',
  data: '{"order":{"id":"o-1","total":9.5},"items":[1,2]}',
  opts: '{"attempts":3,"kl":10,"backoff":{"type":"fixed"},"tm":"{}"}',
  atm: '2',
  ats: '3',
  processedOn: '1795398834900',
  delay: '0',
  priority: '7',
  parent: '{"id":"p","queueKey":"bull:parents","fpof":true}',
};

describe('the job in an event', () => {
  test('has the configured fields that the job has', () => {
    expect(
      tell('name+attemptsMade+attemptsStarted+timestamp+processedOn+finishedOn+delay+priority+parent', JOB).job,
    ).toEqual({
      name: 'send',
      attemptsMade: 2,
      attemptsStarted: 3,
      timestamp: 1795398834833,
      processedOn: 1795398834900,
      delay: 0,
      priority: 7,
      parent: { id: 'p', queueKey: 'bull:parents' },
    });
  });

  test('has attempts as BullMQ 4 counts them, and none before the first one', () => {
    expect(tell('attemptsMade', { timestamp: '1', attemptsMade: '4' }).job).toEqual({ attemptsMade: 4 });
    expect(tell('attemptsMade+attemptsStarted', { timestamp: '1' }).job).toEqual({ attemptsMade: 0 });
  });

  test('has options by their full names, and parts of the data', () => {
    expect(tell('opts.attempts+opts.keepLogs+opts.backoff.type+opts.no+data.order.id+data.no.name', JOB).job).toEqual({
      opts: { attempts: 3, keepLogs: 10, backoff: { type: 'fixed' } },
      data: { order: { id: 'o-1' } },
    });
    expect(tell('data+data.order.id', JOB).job).toEqual({ data: JSON.parse(JOB.data) });
    expect(tell('data', { timestamp: '1', data: '7' }).job).toEqual({ data: 7 });
  });

  test('is null when the job no longer exists', () => {
    expect(tell('name+trace', {})).toMatchObject({ job: null });
    expect(read(jobPart(undefined, select('name'), { maxBytes: 64 }))).toMatchObject({ job: null });
    expect(tell('trace', {})).not.toHaveProperty('job');
  });

  test('is absent when only the trace is configured', () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const opts = JSON.stringify({ tm: JSON.stringify({ traceparent }) });

    expect(tell('trace', { timestamp: '1', opts })).toEqual({
      traceHeader: 'Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1',
      hits: new Set(),
      bytes: 0,
    });
    expect(tell('name', { timestamp: '1', opts })).not.toHaveProperty('traceHeader');
  });

  test('names fields that are too large, and has their parts that are not', () => {
    const data = JSON.stringify({ id: 1, text: 'x'.repeat(100) });

    expect(tell('data+data.id+data.text', { timestamp: '1', data }, { maxBytes: 100 }).job).toEqual({
      data: { id: 1 },
      omitted: ['data', 'data.text'],
    });
    expect(tell('name', { timestamp: '1', name: 'x'.repeat(99) }, { maxBytes: 100 }).job).toEqual({
      omitted: ['name'],
    });
    expect(tell('data', { timestamp: '1', data: `"${'x'.repeat(98)}"` }, { maxBytes: 100 })).toMatchObject({
      bytes: 100,
    });
  });

  test('names fields that cannot be read', () => {
    const fields = { name: Buffer.from([0xff]), atm: 'x', data: '{', opts: '[]', parent: 'null', timestamp: '1' };

    expect(tell('name+attemptsMade+data.a+data.b+opts.attempts+parent+trace', fields).job).toEqual({
      omitted: ['name', 'attemptsMade', 'parent', 'data.a', 'data.b', 'opts.attempts'],
    });
    expect(tell('data', { timestamp: '1', data: '['.repeat(1e5) + ']'.repeat(1e5) }).job).toEqual({
      omitted: ['data'],
    });
    expect(tell('data.a', { timestamp: '1', data: `{"a":1,"b":"${'x'.repeat(1_000_000)}"}` }).job).toEqual({
      omitted: ['data.a'],
    });
    const selection = select('name+data');
    const hash = new Map([...hashOf(selection, JOB)].filter(([name]) => name !== 'data'));
    expect(read(jobPart(hash, selection, { maxBytes: 64 })).job).toEqual({ name: 'send', omitted: ['data'] });
  });

  test('has no omitted field, whatever its size', () => {
    const data = JSON.stringify({ user: { password: 'x'.repeat(5000), name: 'me' }, list: [{ token: 1 }] });
    const omit = 'job.data.user.password,job.data.list.token,job.name,job.opts.keepLogs,job.data.no';
    const { job, hits } = tell('name+data+opts.keepLogs', { ...JOB, data }, { omit });

    expect(job).toEqual({ data: { user: { name: 'me' }, list: [{}] } });
    expect(hits).toEqual(new Set(omit.split(',').slice(0, 4)));
    expect(tell('data.user.name', { ...JOB, data }, { omit })).toMatchObject({
      job: { data: { user: { name: 'me' } } },
      hits: new Set(),
    });
    expect(tell('data.user', { ...JOB, data }, { omit: 'job.data' })).toMatchObject({
      job: {},
      hits: new Set(['job.data']),
    });
  });

  const data = fc.jsonValue({ maxDepth: 4 });
  const path = fc.array(
    fc.oneof(fc.string(), fc.constantFrom('__proto__', 'a', 'b')).filter((name) => /^[^\s.,=+]+$/.test(name)),
    { minLength: 1, maxLength: 4 },
  );

  test.prop([data, path, fc.integer({ min: 64, max: 500 })])(
    'has the exact value, or names it as left out',
    (around, names, maxBytes) => {
      const value = { here: around, '"': 'ü' };
      const whole = names.reduceRight<unknown>(
        (inner, name) => JSON.parse(`{"x":1,${JSON.stringify(name)}:${JSON.stringify(inner)}}`),
        value,
      );
      const { job, bytes } = tell(
        ['data', ...names].join('.'),
        { timestamp: '1', data: JSON.stringify(whole) },
        { maxBytes },
      );
      const size = Buffer.byteLength(JSON.stringify(value));

      if (size > maxBytes) expect(job).toEqual({ omitted: [['data', ...names].join('.')] });
      else {
        const expected = names.reduceRight<unknown>(
          (inner, name) => JSON.parse(`{${JSON.stringify(name)}:${JSON.stringify(inner)}}`),
          value,
        );
        expect(JSON.parse(JSON.stringify(job))).toEqual({ data: JSON.parse(JSON.stringify(expected)) });
        expect(bytes).toBe(size);
      }
    },
  );

  test.prop([
    fc.dictionary(
      fc.constantFrom(...Object.keys(JOB), 'finishedOn', 'attemptsMade'),
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.uint8Array().map((b) => Buffer.from(b)),
      ),
      { noNullPrototype: true },
    ),
  ])('can be made of any hash', (fields) => {
    const all =
      'name+attemptsMade+attemptsStarted+timestamp+processedOn+finishedOn+delay+priority+parent+opts.a+opts.tm+data+data.a+trace';
    const { job } = tell(all, fields as Record<string, string>, { omit: 'job.data.a,job.opts.a' });
    expect(() => JSON.stringify(job)).not.toThrow();
    expect(Object.keys((job as Record<string, JsonValue> | null) ?? {})).not.toContain('__proto__');
  });
});
