import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import { parser as parseRecords } from '@aws-lambda-powertools/batch/parser';
import { parse } from '@aws-lambda-powertools/parser';
import { EventBridgeEnvelope } from '@aws-lambda-powertools/parser/envelopes/eventbridge';
import { describe, expect, expectTypeOf, test } from 'vitest';
import * as z from 'zod';
import { VERSION } from '../../consumer/details.ts';
import { type JsonSchema, jsonSchemas } from '../../consumer/json-schemas.ts';
import { aBatch, aLoss, anEvent } from '../../consumer/testing/events.ts';
import {
  anyDetailSchema,
  anyEventSchema,
  bullmqDetailSchema,
  detailSchema,
  eventSchema,
  lossSchema,
  recoverySchema,
} from '../../consumer/zod.ts';
import { CATALOGUE } from '../../functions/event/catalogue.ts';
import type { BullmqDetail, EventEnvelope } from '../../functions/event/detail.ts';
import { breakingChanges } from './breaking-changes.ts';

const invoice = z.object({ invoice: z.string(), total: z.number() });

describe('the zod schemas', () => {
  test('have the types of the details', () => {
    expectTypeOf<z.output<ReturnType<typeof detailSchema<'failed', object>>>>().toExtend<BullmqDetail<'failed'>>();
    const toDetail = (detail: z.output<typeof bullmqDetailSchema>): BullmqDetail => detail;
    expect(toDetail).toBeTypeOf('function');
    expectTypeOf<z.output<typeof anyDetailSchema>>().toExtend<EventEnvelope>();

    const detail = bullmqDetailSchema.parse(anEvent('cleaned', { count: 2 }).detail);
    if (detail.event === 'cleaned') expectTypeOf(detail.count).toEqualTypeOf<string | number | undefined>();
    expect(detail).toMatchObject({ count: 2 });
  });

  test('accept a type for the returnvalue and for the job', () => {
    const schema = eventSchema('completed', { returnvalue: invoice, job: z.object({ name: z.literal('bill') }) });
    const event = anEvent('completed', { returnvalue: { invoice: 'A7', total: 5 }, job: { name: 'bill' } });

    const { detail } = schema.parse(event);

    expectTypeOf(detail.returnvalue).toEqualTypeOf<{ invoice: string; total: number } | undefined>();
    expectTypeOf(detail.job).toEqualTypeOf<{ name: 'bill' }>();
    expect(detail).toEqual(event.detail);
    expect(schema.safeParse(anEvent('completed', { returnvalue: 'text', job: { name: 'bill' } })).success).toBe(false);
    expect(schema.safeParse(anEvent('completed', { returnvalue: { invoice: 'A7', total: 5 } })).success).toBe(false);
  });

  test('have every field that an event can have', () => {
    const whole: Required<EventEnvelope> = {
      ...anEvent('completed').detail,
      jobId: '7',
      streamId: '5-1',
      sequence: 1,
      recovered: true,
      possibleDuplicate: true,
      fields: { a: 'b' },
      repeated: { a: ['b', 'c'] },
      unparsed: ['returnvalue'],
      job: {
        ...{ name: 'send', attemptsMade: 1, attemptsStarted: 2, timestamp: 3, processedOn: 4, finishedOn: 5, delay: 6 },
        ...{
          priority: 7,
          parent: { id: '1', queueKey: 'bull:q' },
          opts: { attempts: 3 },
          data: [null],
          omitted: ['x'],
        },
      },
      omitted: ['data.secret'],
      truncated: [{ field: 'returnvalue', bytes: 5_000_000 }],
      claimCheck: { bucket: 'b', key: 'k', fields: ['data'], bytes: 5 },
    };

    for (const [event, { fields }] of Object.entries(CATALOGUE)) {
      const own = Object.fromEntries(Object.keys(fields).map((name) => [name, 'text']));
      const detail = { ...whole, event, ...own };
      expect(anyDetailSchema.parse(detail)).toEqual(detail);
    }
  });

  test('accept custom events, entries without an event, and the events of bullbridge', () => {
    const custom = anEvent('invoice', { fields: { amount: '42' } });
    const nameless = { ...custom, 'detail-type': 'Unknown Entry', detail: { ...custom.detail, event: undefined } };
    const loss = aLoss({ beforeId: null });
    const { exact, reason, detectedAt, ...gap } = loss.detail;
    const recovery = {
      ...loss,
      'detail-type': 'Events Recovered',
      detail: { ...gap, completed: 1, failed: 2, unknown: 3 },
    };

    for (const event of [custom, nameless]) expect(anyEventSchema.parse(event)).toEqual(event);
    expect(lossSchema.parse(loss)).toEqual(loss);
    expect(recoverySchema.parse(recovery)).toEqual(recovery);
  });

  test.each([
    ['another version', { version: '2' }],
    ['no id', { id: undefined }],
    ['a timestamp that is a text', { timestamp: '5' }],
    ['a job that is a text', { job: 'send' }],
    ['no event of BullMQ with fields of another type', { failedReason: 5 }],
  ])('refuse %s', (_, fields) => {
    expect(anyDetailSchema.safeParse({ ...anEvent('failed').detail, ...fields }).success).toBe(false);
  });

  test('work with the parser and the batch processor of Powertools', async () => {
    const event = anEvent('completed', { returnvalue: { invoice: 'A7', total: 5 } });
    const schema = detailSchema('completed', { returnvalue: invoice });
    const parsed = parse(event, EventBridgeEnvelope, schema);
    expect(parsed).toEqual(event.detail);

    const handled: unknown[] = [];
    const processor = new BatchProcessor(EventType.SQS, {
      parser: parseRecords,
      innerSchema: eventSchema('completed', { returnvalue: invoice }),
      transformer: 'json',
    });
    const batch = aBatch(event, anEvent('completed', { returnvalue: 'text' }));
    const response = await processPartialResponse(
      batch as never,
      async ({ body }: { body: typeof event }) => void handled.push(body.detail.returnvalue),
      processor,
    );

    expect(handled).toEqual([{ invoice: 'A7', total: 5 }]);
    expect(response).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-2' }] });
  });
});

describe('the JSON schemas', () => {
  const contract = new URL(`../fixtures/contract-v${VERSION}.json`, import.meta.url);

  test('are compatible with the released schemas; a breaking change needs another `version`', async () => {
    const schemas = jsonSchemas();
    const released: Record<string, JsonSchema> = JSON.parse(await readFile(contract, 'utf8').catch(() => '{}'));

    expect(
      breakingChanges(released, schemas),
      'A consumer of version 1 would fail: undo it, or raise `version` in functions/event/ and consumer/details.ts.',
    ).toEqual([]);
    // `npm test -- -u test/consumer/schemas.test.ts` adds new events and fields.
    await expect(`${JSON.stringify(schemas, null, 2)}\n`).toMatchFileSnapshot(fileURLToPath(contract));
  });

  const { properties } = (jsonSchemas() as Json)['bullmq@JobFailed'].properties.detail;
  test.each<[string, Json, string]>([
    ['a field that is gone', { properties: { ...properties, failedReason: undefined } }, 'failedReason is gone'],
    [
      'a field of another type',
      { properties: { ...properties, failedReason: { type: 'number' } } },
      'failedReason can be "number"',
    ],
    [
      'a field of more types',
      { properties: { ...properties, jobId: { type: ['string', 'null'] } } },
      'jobId can be "null"',
    ],
    ['a field of any type', { properties: { ...properties, jobId: {} } }, 'jobId can be anything'],
    [
      'a field that can be missing',
      { required: ['id', 'sourceName', 'prefix', 'queue', 'timestamp', 'event'] },
      'version can be missing',
    ],
    [
      'another value',
      { properties: { ...properties, event: { type: 'string', enum: ['failure'] } } },
      'event can be "failure"',
    ],
    [
      'members of any type',
      { properties: { ...properties, fields: { type: 'object', additionalProperties: {} } } },
      'fields.* can be anything',
    ],
    [
      'items of another type',
      { properties: { ...properties, unparsed: { type: 'array', items: { type: 'number' } } } },
      'unparsed[] can be "number"',
    ],
  ])('have a breaking change with %s', (_, change, expected) => {
    const changed = structuredClone(jsonSchemas()) as Json;
    Object.assign(changed['bullmq@JobFailed']['properties']['detail'], change);

    expect(breakingChanges(jsonSchemas(), changed)).toEqual([`bullmq@JobFailed.detail.${expected}`]);
  });

  test('have a breaking change with an event that is gone', () => {
    const { 'bullmq@JobFailed': _, ...others } = jsonSchemas();

    expect(breakingChanges(jsonSchemas(), others)).toEqual(['bullmq@JobFailed is gone']);
  });

  test('may have a new event, a new field, and fewer values', () => {
    const changed = structuredClone(jsonSchemas()) as Json;
    changed['bullmq@JobArchived'] = {};
    const { properties, required } = changed['bullmq@JobFailed']['properties']['detail'];
    properties['worker'] = { type: 'string' };
    required.push('worker', 'jobId');

    expect(breakingChanges(jsonSchemas(), changed)).toEqual([]);
  });
});

// biome-ignore lint/suspicious/noExplicitAny: any JSON
type Json = Record<string, any>;
