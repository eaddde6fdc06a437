import { S3 } from '@aws-sdk/client-s3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type EventBridgeEvent, type EventDetail, QueueEvents } from '../../consumer/index.ts';
import { createPayloadReader } from '../../consumer/payloads.ts';
import { anEvent } from '../../consumer/testing/events.ts';
import { type LocalBus, startBus } from '../../local/bus/server.ts';
import { BUS, PAYLOADS } from '../../local/stack.ts';
import { adminRedis } from '../redis.ts';
import { testStack } from '../stack.ts';

function s3Of({ url }: LocalBus): S3 {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const s3 = new S3({ endpoint: url, region: 'eu-west-1', credentials, forcePathStyle: true, maxAttempts: 1 });
  onTestFinished(() => s3.destroy());
  return s3;
}

/** A bucket with one object. */
async function bucketWith(body: string) {
  const bus = await startBus({ buses: [], buckets: [PAYLOADS, 'other'] });
  onTestFinished(() => bus[Symbol.asyncDispose]());
  const s3 = s3Of(bus);
  await s3.putObject({ Bucket: PAYLOADS, Key: 'k', Body: body });
  return s3;
}

const detailOf = (fields: readonly string[], claim = {}): EventDetail => ({
  ...anEvent('completed', { fields: { small: 'x' } }).detail,
  claimCheck: { bucket: PAYLOADS, key: 'k', fields, bytes: 9, ...claim },
});

describe('a payload reader', () => {
  test('gives listeners the fields in the bucket as BullMQ wrote them', async () => {
    const stack = await testStack({ BULLBRIDGE_EVENTS: '*' });
    const value = { rows: Array.from({ length: 50_000 }, (_, n) => ({ n: n / 8, text: `ü"\\\n\u{1f600} ${n}` })) };
    const key = `${stack.prefix}:emails`;
    await adminRedis().hset(`${key}:meta`, 'opts.maxLenEvents', 10_000);
    await adminRedis().xadd(
      `${key}:events`,
      '*',
      'event',
      'completed',
      'jobId',
      7,
      'returnvalue',
      JSON.stringify(value),
    );
    await adminRedis().xadd(`${key}:events`, '*', 'event', 'invoice', 'text', 'x'.repeat(2_000_000), 'small', 'y');
    const readPayload = createPayloadReader({ s3: s3Of(stack.bus), buckets: [PAYLOADS] });
    const events = new QueueEvents('emails', { readPayload, order: 'queue' });
    const heard: unknown[] = [];
    events.onAny((_, args) => void heard.push(args));
    const delivered: EventBridgeEvent[] = [];
    const deliver = (event: object) => void delivered.push(event as EventBridgeEvent);
    stack.bus.subscribe({ bus: BUS, pattern: { source: ['bullmq'] }, deliver });

    await stack.forward.invoke();
    // The bus keeps no order.
    await events.handler(delivered);

    expect(heard).toEqual([
      { jobId: '7', returnvalue: value },
      { text: 'x'.repeat(2_000_000), small: 'y' },
    ]);
  });

  test('puts fields back where they were', async () => {
    const payload = { returnvalue: 1, 'fields.a.b': 'c', 'repeated.x': ['1', '2'], unparsed: ['y'], job: { data: 5 } };
    const s3 = await bucketWith(JSON.stringify(payload));
    const detail = detailOf(Object.keys(payload));

    expect(await createPayloadReader({ s3, buckets: ['other', PAYLOADS] })(detail)).toEqual({
      ...detail,
      returnvalue: 1,
      fields: { small: 'x', 'a.b': 'c' },
      repeated: { x: ['1', '2'] },
      unparsed: ['y'],
      job: { data: 5 },
    });
  });

  test('returns any other detail unchanged', async () => {
    const { detail } = anEvent('completed');

    expect(await createPayloadReader({ s3: await bucketWith(''), buckets: [PAYLOADS] })(detail)).toBe(detail);
  });

  test.each([
    [
      'a bucket that is not listed',
      '{}',
      { bucket: 'other' },
      'The bucket "other" may not be read; buckets allows bullbridge-payloads.',
    ],
    ['an object that is gone', '{}', { key: 'gone' }, 's3://bullbridge-payloads/gone could not be read: NoSuchKey'],
    ['an object that is said to be too large', '{}', { bytes: 101 }, 'has 101 bytes, and maxBytes is 100: raise it'],
    ['an object that is too large', `"${'x'.repeat(200)}"`, {}, 'has 202 bytes, and maxBytes is 100'],
    [
      'an object without the field',
      '{"other":1}',
      {},
      's3://bullbridge-payloads/k has no "returnvalue", which the claim check',
    ],
    ['an object that is not JSON', 'secret', {}, '(6 characters) is not a JSON object: bullbridge did not write it'],
    ['an object that is null', 'null', {}, '(4 characters) is not a JSON object'],
    ['an object that is a text', '"secret"', {}, '(8 characters) is not a JSON object'],
    ['an object that is empty', '', {}, '(0 characters) is not a JSON object'],
  ])('refuses %s', async (_, body, claim, message) => {
    const read = createPayloadReader({ s3: await bucketWith(body), buckets: [PAYLOADS], maxBytes: 100 });

    const error = await read(detailOf(['returnvalue'], claim)).catch((reason: unknown) => reason);

    expect(error).toMatchObject({ name: 'PayloadReadError', message: expect.stringContaining(message) });
    expect(String(error)).not.toContain('secret');
  });

  test('needs a bucket', async () => {
    const s3 = await bucketWith('');

    expect(() => createPayloadReader({ s3, buckets: [] })).toThrow('buckets is []; it must name the buckets');
  });
});
