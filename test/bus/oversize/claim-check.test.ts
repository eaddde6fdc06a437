import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SQSClient } from '@aws-sdk/client-sqs';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, onTestFinished } from 'vitest';
import { createConcurrencyLimit } from '../../../functions/bus/concurrency.ts';
import { parkIn } from '../../../functions/bus/dead-letters.ts';
import { LIMITS } from '../../../functions/bus/eventbridge/port.ts';
import { putEventsOf } from '../../../functions/bus/eventbridge/sdk-sender.ts';
import { createClaimCheck } from '../../../functions/bus/oversize/claim-check.ts';
import { putObjectIn } from '../../../functions/bus/oversize/payload-bucket.ts';
import { createPublisher } from '../../../functions/bus/publish.ts';
import { PayloadError } from '../../../functions/errors.ts';
import { entryBytes, toText } from '../../../functions/event/bus-entry.ts';
import { busEntriesOf } from '../../../functions/event/envelope.ts';
import { startBus } from '../../../local/bus/server.ts';
import { anyCharacter } from '../../any-character.ts';
import { repetitions } from '../../effort.ts';
import { faultsByName } from '../../titles.ts';
import { largeEntry } from './large-entry.ts';

const MB = 1_000_000;
const NOW = new Date('2026-11-01T12:00:00Z');
const ID = 'default/bull:emails/1795398834833-0';
const origin = { sourceName: 'default', prefix: 'bull', queue: 'emails' };
const never = new AbortController().signal;
const completed = (returnvalue: unknown) =>
  largeEntry('event', 'completed', 'jobId', '1', 'returnvalue', JSON.stringify(returnvalue), 'prev', 'active');
const bodyOf = (object: object) => JSON.stringify(object);

/** A publisher with a bucket, of the real AWS SDK, in front of an endpoint whose faults are planned. */
async function world({ bucket = 'payloads', requestTimeout = 10_000 } = {}) {
  const bus = await startBus({ buses: ['bus'], queues: ['parked'], buckets: ['payloads'] });
  const settings = {
    endpoint: bus.url,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
    requestHandler: { requestTimeout, throwOnRequestTimeout: true },
  };
  const client = new EventBridgeClient(settings);
  const sqs = new SQSClient(settings);
  onTestFinished(async () => {
    client.destroy();
    sqs.destroy();
    await bus[Symbol.asyncDispose]();
  });
  const waits: number[] = [];
  const wait = async (milliseconds: number) => waits.push(milliseconds);
  const putObject = putObjectIn({
    bucket,
    endpoint: bus.url,
    identity: client.config,
    connection: client.config,
    now: () => NOW,
  });
  const upload = { most: 0, now: 0 };
  const makeFit = createClaimCheck({
    bucket,
    async putObject(key, body) {
      upload.most = Math.max(upload.most, ++upload.now);
      await putObject(key, body).finally(() => --upload.now);
    },
    concurrency: createConcurrencyLimit(2),
    wait,
    random: () => 1,
  });
  const publish = createPublisher({
    bus: { name: 'bus', limits: LIMITS, put: putEventsOf(client, 'bus'), check: async () => undefined },
    park: parkIn(sqs, { queueUrl: bus.queueUrl('parked'), busName: 'bus', makeFit, now: () => NOW }),
    makeFit,
    concurrency: createConcurrencyLimit(4),
    wait,
    warn: () => {},
    random: () => 1,
  });
  const details = () => bus.accepted.map(({ detail }) => detail);
  const stored = () => [...bus.objects('payloads')];
  return { bus, publish, makeFit, waits, upload, details, stored };
}

describe('an event over the limit', () => {
  test('has its largest field in the bucket, byte for byte', async () => {
    const { publish, details, stored } = await world();
    const returnvalue = {
      rows: Array.from({ length: 50_000 }, (_, n) => ({ n, text: 'ü"\u0000\u{1f600}', half: 0.5 })),
    };
    const body = bodyOf({ returnvalue });
    expect(body.length).toBeGreaterThan(2 * MB);

    expect(await publish([completed(returnvalue)], never)).toEqual(['published']);

    expect(stored()).toEqual([[ID, body]]);
    expect(JSON.parse(stored()[0]?.[1] ?? '')).toEqual({ returnvalue });
    const { returnvalue: _, ...rest } = JSON.parse(toText(completed(0)).Detail);
    expect(details()).toEqual([
      { ...rest, claimCheck: { bucket: 'payloads', key: ID, fields: ['returnvalue'], bytes: Buffer.byteLength(body) } },
    ]);
  });

  test.each([
    ['spaces', ` [ ${'1 ,  '.repeat(500_000)} {"a": 1, "a": 2} ] `],
    ['numbers that JavaScript does not have', `[${'12345678901234567890.10, '.repeat(50_000)}1]`],
  ])('with %s is stored as it is in the stream', async (_, json) => {
    const { publish, details, stored } = await world();

    await publish([largeEntry('event', 'completed', 'returnvalue', json)], never);

    expect(stored()).toEqual([[ID, `{"returnvalue":${json}}`]]);
    expect(details()[0]).not.toHaveProperty('unparsed');
  });

  test.each([
    ['is no JSON', Buffer.from('[1'.repeat(MB))],
    ['has characters of many bytes, and those that JSON escapes', Buffer.from(`x${'\u{1f600}€ü"\\\n'.repeat(MB / 5)}`)],
    ['ends in the middle of characters', Buffer.concat(new Array(MB / 2).fill(Buffer.from([0xf0, 0x9f, 0x61, 0xe2])))],
    ['is nested too deep', Buffer.from(`${'['.repeat(MB)}${']'.repeat(MB)}`)],
    ['is not UTF-8', Buffer.concat([Buffer.from('"'), Buffer.alloc(2 * MB, 0xff), Buffer.from('"')])],
  ])('that %s is stored as a text and marked', async (_, bytes) => {
    const { publish, details, stored } = await world();
    const fields = ['event', 'completed', 'returnvalue'].map((text) => Buffer.from(text));

    await publish([busEntriesOf(origin)({ id: '1795398834833-0', fields: [...fields, bytes] }, 7)], never);

    expect(stored()).toEqual([[ID, bodyOf({ returnvalue: bytes.toString() })]]);
    expect(details()).toMatchObject([{ unparsed: ['returnvalue'], claimCheck: { fields: ['returnvalue'] } }]);
  });

  test('has all fields that are too large in one object', async () => {
    const { publish, details, stored } = await world();
    const [returnvalue, pdf] = ['x'.repeat(2 * MB), 'y'.repeat(MB)];

    await publish(
      [largeEntry('event', 'completed', 'pdf', pdf, 'returnvalue', `"${returnvalue}"`, 'prev', 'active')],
      never,
    );

    expect(stored()).toEqual([[ID, bodyOf({ returnvalue, 'fields.pdf': pdf })]]);
    expect(details()).toMatchObject([{ prev: 'active', claimCheck: { fields: ['returnvalue', 'fields.pdf'] } }]);
  });

  test('keeps the fields that fit, custom fields by their path', async () => {
    const { publish, details, stored } = await world();
    const pdf = 'x'.repeat(2 * MB);

    await publish([largeEntry('event', 'invoice', 'jobId', '1', 'pdf', pdf, '__proto__', pdf, 'number', '42')], never);

    expect(stored()).toEqual([[ID, `{"fields.pdf":"${pdf}","fields.__proto__":"${pdf}"}`]]);
    expect(details()).toMatchObject([
      { fields: { number: '42' }, claimCheck: { fields: ['fields.pdf', 'fields.__proto__'] } },
    ]);
  });

  test('is sent with others in order, and only fields that do not fit are stored', async () => {
    const { publish, details, stored } = await world();
    const small = largeEntry('event', 'failed', 'jobId', '1', 'failedReason', 'boom');

    expect(await publish([small, completed('x'.repeat(3 * MB)), small], never)).toHaveLength(3);

    expect(details().map(({ event }) => event)).toEqual(['failed', 'completed', 'failed']);
    expect(stored()).toHaveLength(1);
  });

  test('gets the same object under the same key when it is sent again', async () => {
    const { publish, details, stored } = await world();
    const entry = completed('x'.repeat(3 * MB));

    await publish([entry], never);
    const [first] = stored();
    await publish([entry], never);

    expect(stored()).toEqual([first]);
    expect(details()[0]).toEqual(details()[1]);
  });

  test('is uploaded at the same time as no more others than allowed', async () => {
    const { publish, upload, stored } = await world();
    const entries = Array.from({ length: 8 }, (_, n) =>
      busEntriesOf(origin)({ id: `${n}-0`, fields: ['event', 'x', 'y', 'z'.repeat(MB)].map((s) => Buffer.from(s)) }, n),
    );

    await publish(entries, never);

    expect(stored()).toHaveLength(8);
    expect(upload.most).toBe(2);
  });

  test.prop(
    [fc.array(fc.tuple(fc.string({ maxLength: 200 }), fc.string({ unit: anyCharacter, maxLength: 300 }), fc.nat(400)))],
    { numRuns: repetitions(30, 10) },
  )('always fits, and is complete again with its object', async (fields) => {
    const objects = new Map<string, string>();
    const makeFit = createClaimCheck({
      bucket: 'payloads',
      putObject: async (key, body) => void objects.set(key, body.toString()),
      concurrency: createConcurrencyLimit(1),
      wait: async () => {},
      random: () => 1,
    });
    const entry = largeEntry('event', 'custom', ...fields.flatMap(([name, text, times]) => [name, text.repeat(times)]));

    const rest = await makeFit(entry, 20_000, never);

    expect(entryBytes(rest)).toBeLessThanOrEqual(20_000);
    const { claimCheck, ...detail } = JSON.parse(rest.Detail);
    expect(claimCheck === undefined).toBe(entryBytes(toText(entry)) <= 20_000);
    const object = JSON.parse(objects.get(ID) ?? '{}');
    expect(Object.keys(object)).toEqual(claimCheck?.fields ?? []);
    for (const [path, value] of Object.entries(object)) put(detail, path, value);
    expect(detail).toEqual(JSON.parse(toText(entry).Detail));
  });
});

/** What a consumer does with a field of the object. */
function put(detail: Record<string, unknown>, path: string, value: unknown): void {
  const [, group = '', name = ''] = /^(fields|repeated)\.(.*)$/s.exec(path) ?? [];
  const owner = (group ? detail[group] : detail) as Record<string, unknown>;
  const whole = !group && typeof value === 'object' && detail[path] ? { ...value, ...detail[path] } : value;
  Object.defineProperty(owner, group ? name : path, {
    value: whole,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

describe('an upload that', () => {
  test.each(
    faultsByName(
      { kind: 'error', status: 503, code: 'SlowDown' },
      { kind: 'error', status: 500, code: 'InternalError' },
      { kind: 'error', status: 400, code: 'RequestTimeout' },
      { kind: 'hang' },
      { kind: 'reset' },
      { kind: 'reset-after-accept' },
      { kind: 'garbage' },
    ),
  )('fails (%s) is repeated, with longer pauses', async (_, fault) => {
    const { bus, publish, waits, stored, details } = await world(fault.kind === 'hang' ? { requestTimeout: 500 } : {});
    bus.faults.putObject = ({ number }) => (number <= 2 ? fault : undefined);

    expect(await publish([completed('x'.repeat(2 * MB))], never)).toEqual(['published']);
    expect(waits).toEqual([50, 100]);
    expect(stored()).toHaveLength(1);
    expect(details()).toMatchObject([{ claimCheck: { key: ID } }]);
  });

  test.each([
    ['AccessDenied', 403, 'PAYLOAD_DENIED', 'grant s3:PutObject on its objects'],
    ['AuthorizationHeaderMalformed', 400, 'PAYLOAD_REFUSED', 'check that it is in this region'],
    ['PermanentRedirect', 301, 'PAYLOAD_REFUSED', 'check that it is in this region'],
    ['NoSuchBucket', 404, 'PAYLOAD_BUCKET_MISSING', 'create it, or set PAYLOAD_BUCKET'],
  ] as const)('is refused (%s) stops the run at once, and no event is sent', async (refusal, status, code, remedy) => {
    const { bus, publish, waits, details } = await world();
    bus.faults.putObject = () => ({ kind: 'error', status, code: refusal });

    const publishing = publish([...[1, 2, 3].map(completed), completed('x'.repeat(2 * MB))], never);

    await expect(publishing).rejects.toBeInstanceOf(PayloadError);
    await expect(publishing).rejects.toMatchObject({ code, message: expect.stringContaining(remedy) });
    await expect(publishing).rejects.toThrow('payload bucket');
    expect(details()).toEqual([]);
    expect(waits).toEqual([]);
  });

  test('fails repeatedly stops the run, and the next run continues', async () => {
    const { bus, publish, waits, details, stored } = await world();
    bus.faults.putObject = () => ({ kind: 'error', status: 500, code: 'InternalError' });

    await expect(publish([completed('x'.repeat(2 * MB))], never)).rejects.toMatchObject({
      code: 'PAYLOAD_UNAVAILABLE',
      message: expect.stringContaining('InternalError: planned'),
    });
    expect(waits).toHaveLength(7);
    expect(details()).toEqual([]);

    bus.faults.putObject = undefined;
    expect(await publish([completed('x'.repeat(2 * MB))], never)).toEqual(['published']);
    expect(stored()).toHaveLength(1);
  });

  test('is throttled is repeated until the run is told to stop', async () => {
    const { bus, publish, details } = await world();
    const stop = new AbortController();
    bus.faults.putObject = ({ number }) => {
      if (number === 30) stop.abort(new Error('the deadline'));
      return { kind: 'error', status: 503, code: 'SlowDown' };
    };

    await expect(publish([completed('x'.repeat(2 * MB))], stop.signal)).rejects.toThrow('the deadline');
    expect(details()).toEqual([]);
  });
});

describe('an event whose id S3 refuses as a key', () => {
  test.each([
    ['it is too long', 'q'.repeat(1100)],
    ['it leads out of the bucket', '../..'],
    ['it has a part that is a dot', 'a/./b'],
  ])('is cut: %s', async (_, queue) => {
    const { publish, details, stored } = await world();
    const fields = ['event', 'completed', 'returnvalue', `"${'x'.repeat(2 * MB)}"`].map((text) => Buffer.from(text));

    expect(await publish([busEntriesOf({ ...origin, queue })({ id: '1-0', fields }, 1)], never)).toEqual(['published']);

    expect(stored()).toEqual([]);
    expect(details()).toMatchObject([{ truncated: [{ field: 'returnvalue', bytes: 2 * MB }] }]);
  });
});

describe('a dead letter', () => {
  const parked = (bus: { messages(queue: string): string[] }) => bus.messages('parked').map((body) => JSON.parse(body));

  test('that is too large once its quotes are escaped also has its largest field in the bucket', async () => {
    const { bus, publish, stored } = await world();
    bus.faults.putEvents = () => ({ kind: 'entries', codes: { 0: 'InvalidArgument' } });
    const quotes = '"'.repeat(400_000);

    expect(await publish([completed(quotes)], never)).toEqual(['parked']);

    expect(stored()).toEqual([[ID, bodyOf({ returnvalue: quotes })]]);
    const [{ entry }] = parked(bus);
    expect(JSON.parse(entry.Detail)).toMatchObject({ id: ID, prev: 'active', claimCheck: { fields: ['returnvalue'] } });
    expect(JSON.parse(entry.Detail)).not.toHaveProperty('truncated');
  });

  test('of an event with a claim check is parked as it was sent, whatever its size with escaped quotes', async () => {
    const { bus, publish, stored } = await world();
    const refused: (string | undefined)[] = [];
    bus.faults.putEvents = ({ entries }) => {
      refused.push(entries[0]?.Detail);
      return { kind: 'entries', codes: { 0: 'InvalidArgument' } };
    };
    const [large, quotes] = ['x'.repeat(2 * MB), '"'.repeat(350_000)];

    expect(await publish([largeEntry('event', 'x', 'large', large, 'quotes', quotes, 'n', '1')], never)).toEqual([
      'parked',
    ]);

    expect(stored()).toEqual([[ID, bodyOf({ 'fields.large': large, 'fields.quotes': quotes })]]);
    const [{ entry }] = parked(bus);
    expect(refused).toEqual([entry.Detail]);
    expect(JSON.parse(entry.Detail)).toMatchObject({ fields: { n: '1' }, claimCheck: { key: ID } });
  });

  test('of an event with a claim check is not stored a second time', async () => {
    const { bus, publish } = await world();
    let uploads = 0;
    bus.faults.putObject = () => {
      uploads += 1;
      return undefined;
    };
    bus.faults.putEvents = () => ({ kind: 'entries', codes: { 0: 'InvalidArgument' } });

    expect(await publish([completed('x'.repeat(2 * MB))], never)).toEqual(['parked']);

    expect(uploads).toBe(1);
  });
});
