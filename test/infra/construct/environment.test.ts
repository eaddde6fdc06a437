import { Duration, Lazy, Token } from 'aws-cdk-lib';
import { describe, expect, test } from 'vitest';
import { parseJobFields } from '../../../functions/event/job-fields.ts';
import { parseOmission } from '../../../functions/event/omit.ts';
import { readConfig } from '../../../functions/settings.ts';
import type { BullbridgeProps } from '../../../infra/construct/bullbridge.ts';
import { RedisAccess } from '../../../infra/construct/redis-access.ts';
import { createStack, environmentOf, synthesize } from '../synth.ts';

describe('the environment of the function', () => {
  test('has all required variables', () => {
    expect(environmentOf(synthesize())).toMatchInlineSnapshot(`
      {
        "BULLBRIDGE_DEPLOYMENT": "Test/Bullbridge",
        "BULLBRIDGE_INTERVAL_SECONDS": "60",
        "CHECKPOINT_TABLE": {
          "Ref": "BullbridgeCheckpoints188C9656",
        },
        "DEAD_LETTER_QUEUE_URL": {
          "Ref": "BullbridgeDeadLetterQueueBE5CF1A8",
        },
        "EVENT_BUS_NAME": {
          "Fn::GetAtt": [
            "BullbridgeEventBus01FAD6E2",
            "Arn",
          ],
        },
        "PAYLOAD_BUCKET": {
          "Ref": "BullbridgePayloads0F29A008",
        },
        "REDIS_URL_SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:bullbridge/redis-url-AbCdEf",
      }
    `);
  });

  test('is the same for every function', () => {
    const template = synthesize({ clockSkew: Duration.seconds(1), events: ['*'] });
    expect(environmentOf(template, 'Reconcile')).toEqual(environmentOf(template));
  });

  test('names the secret, never its value', () => {
    const template = JSON.stringify(synthesize().toJSON());
    expect(template).not.toContain('{{resolve:');
    expect(template).not.toContain('"REDIS_URL"');
  });

  test('is understood by the function', () => {
    const template = synthesize({
      interval: Duration.minutes(2),
      prefix: 'jobs',
      queues: ['emails', 'payments'],
      events: ['*'],
      jobFields: ['name', 'data.order.id'],
      jobFieldsByEvent: { failed: ['trace'], progress: [] },
      jobDataBytes: 1000,
      omit: ['failedReason', 'returnvalue.items.*.token'],
      sourceName: 'redis-1',
      startFrom: 'now',
      startFromByQueue: { emails: 'beginning' },
      tail: 'always',
      publisher: 'sdk',
      sweepSize: 500,
      clockSkew: Duration.millis(500),
      queueMetrics: true,
    });
    const deployed = {
      DEAD_LETTER_QUEUE_URL: 'https://sqs.eu-west-1.amazonaws.com/1/parked',
      PAYLOAD_BUCKET: 'payloads',
    };
    const entries = Object.entries(environmentOf(template)).map(([name, value]) => {
      return [name, typeof value === 'string' ? value : 'known at deployment'];
    });
    const config = readConfig({ ...Object.fromEntries(entries), ...deployed });
    expect(config).toMatchObject({
      BULLBRIDGE_INTERVAL_SECONDS: 120,
      BULLBRIDGE_PREFIX: 'jobs',
      BULLBRIDGE_QUEUES: ['emails', 'payments'],
      BULLBRIDGE_EVENTS: '*',
      BULLBRIDGE_JOB_FIELDS: parseJobFields('name+data.order.id,failed=trace,progress='),
      BULLBRIDGE_JOB_DATA_BYTES: 1000,
      BULLBRIDGE_OMIT: parseOmission('failedReason,returnvalue.items.*.token'),
      BULLBRIDGE_SOURCE_NAME: 'redis-1',
      BULLBRIDGE_START_FROM: { default: 'now', queues: new Map([['emails', 'beginning']]) },
      BULLBRIDGE_TAIL: 'always',
      BULLBRIDGE_PUBLISHER: 'sdk',
      BULLBRIDGE_SWEEP_SIZE: 500,
      BULLBRIDGE_CLOCK_SKEW_MS: 500,
      BULLBRIDGE_QUEUE_METRICS: true,
    });
  });

  test('names the Redis as the function understands it', () => {
    const cache = { service: 'elasticache-serverless', name: 'jobs', host: 'jobs.example.com', userId: 'me' } as const;
    const environment = environmentOf(synthesize({ redis: RedisAccess.withIam(cache) }));
    const deployed = {
      EVENT_BUS_NAME: 'jobs',
      CHECKPOINT_TABLE: 'table',
      DEAD_LETTER_QUEUE_URL: 'https://sqs.eu-west-1.amazonaws.com/1/parked',
      PAYLOAD_BUCKET: 'payloads',
    };
    expect(readConfig({ ...(environment as Record<string, string>), ...deployed })).toMatchObject({
      REDIS_URL: 'rediss://me@jobs.example.com:6379',
      BULLBRIDGE_REDIS_CLUSTER: true,
      BULLBRIDGE_REDIS_IAM: { kind: 'elasticache-serverless', name: 'jobs' },
    });
  });

  test('accepts values that are known only at deployment', () => {
    const known = (name: string) => Token.asString({ Ref: name });
    const template = synthesize({
      prefix: known('Prefix'),
      queues: [known('Queue'), 'payments'],
      events: Token.asList({ Ref: 'Events' }),
      sourceName: known('Source'),
      sweepSize: Token.asNumber({ Ref: 'Size' }),
      jobFields: [known('Field'), 'name'],
      omit: [known('Omit')],
    });
    expect(environmentOf(template)).toMatchObject({
      BULLBRIDGE_PREFIX: { Ref: 'Prefix' },
      BULLBRIDGE_QUEUES: { 'Fn::Join': [',', [{ Ref: 'Queue' }, 'payments']] },
      BULLBRIDGE_EVENTS: { 'Fn::Join': [',', { Ref: 'Events' }] },
      BULLBRIDGE_SOURCE_NAME: { Ref: 'Source' },
      BULLBRIDGE_SWEEP_SIZE: { Ref: 'Size' },
      BULLBRIDGE_JOB_FIELDS: { 'Fn::Join': ['+', [{ Ref: 'Field' }, 'name']] },
      BULLBRIDGE_OMIT: { Ref: 'Omit' },
    });
  });
});

describe('a fault stops the synthesis', () => {
  const faultOf = (props: Partial<BullbridgeProps>) => () => createStack(props);

  test('in the interval', () => {
    expect(faultOf({ interval: Duration.seconds(90) })).toThrowErrorMatchingInlineSnapshot(
      `[Error: interval must be whole minutes from 1 to 13, got 1 minute 30 seconds]`,
    );
    expect(faultOf({ interval: Duration.seconds(10) })).toThrowErrorMatchingInlineSnapshot(
      `[Error: interval must be whole minutes from 1 to 13, got 10 seconds]`,
    );
    expect(faultOf({ interval: Duration.minutes(14) })).toThrowErrorMatchingInlineSnapshot(
      `[Error: interval must be whole minutes from 1 to 13, got 14 minutes]`,
    );
    const later = Lazy.number({ produce: () => 1 });
    expect(faultOf({ interval: Duration.minutes(later) })).toThrowErrorMatchingInlineSnapshot(
      `[Error: interval must be known at synthesis, got a token]`,
    );
  });

  test('in the interval of the recovery', () => {
    expect(faultOf({ reconcileInterval: Duration.days(2) })).toThrowErrorMatchingInlineSnapshot(
      `[Error: reconcileInterval must be whole minutes from 1 to 1440, got 2 days]`,
    );
    expect(faultOf({ reconcileInterval: Duration.seconds(90) })).toThrow('reconcileInterval must be');
  });

  test('in the clock skew', () => {
    expect(faultOf({ clockSkew: Duration.hours(2) })).toThrowErrorMatchingInlineSnapshot(
      `[Error: clockSkew must be whole milliseconds up to an hour, got 2 hours]`,
    );
  });

  test('in the prefix', () => {
    expect(faultOf({ prefix: '' })).toThrowErrorMatchingInlineSnapshot(
      `[Error: prefix must be a text that is not empty, got ""]`,
    );
  });

  test('in the queues', () => {
    expect(faultOf({ queues: [] })).toThrowErrorMatchingInlineSnapshot(
      `[Error: queues must be a list of names without commas, colons or spaces around them; leave it out for the default, got []]`,
    );
    expect(faultOf({ queues: ['emails', 'bull:payments'] })).toThrowErrorMatchingInlineSnapshot(
      `[Error: queues must be a list of names without commas, colons or spaces around them; leave it out for the default, got "bull:payments"]`,
    );
    expect(faultOf({ queues: ['emails,payments'] })).toThrowErrorMatchingInlineSnapshot(
      `[Error: queues must be a list of names without commas, colons or spaces around them; leave it out for the default, got "emails,payments"]`,
    );
  });

  test('in the events', () => {
    expect(faultOf({ events: [] })).toThrowErrorMatchingInlineSnapshot(
      `[Error: events must be a list of names without commas or spaces around them; leave it out for the default, got []]`,
    );
    expect(faultOf({ events: [' failed'] })).toThrowErrorMatchingInlineSnapshot(
      `[Error: events must be a list of names without commas or spaces around them; leave it out for the default, got " failed"]`,
    );
  });

  test('in the job fields', () => {
    expect(faultOf({ jobFields: [] })).toThrowErrorMatchingInlineSnapshot(
      `[Error: jobFields must be a list that is not empty; leave it out for the default, got []]`,
    );
    expect(faultOf({ jobFields: ['name', 'opts'] })).toThrowErrorMatchingInlineSnapshot(
      `[Error: jobFields must be a list of these names: name, attemptsMade, attemptsStarted, timestamp, processedOn, finishedOn, delay, priority, parent, opts.<path>, data, data.<path> and trace, got "opts"]`,
    );
    expect(faultOf({ jobFieldsByEvent: { failed: ['returnvalue'] } })).toThrow(
      'jobFieldsByEvent.failed must be a list',
    );
    expect(faultOf({ jobFieldsByEvent: { '*': ['name'] } })).toThrowErrorMatchingInlineSnapshot(
      `[Error: jobFieldsByEvent must be by name of an event (not *), without commas or spaces around it, got "*"]`,
    );
    expect(faultOf({ jobDataBytes: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[Error: jobDataBytes must be a whole number from 64 to 65536, got 0]`,
    );
  });

  test('in the omitted fields', () => {
    expect(faultOf({ omit: ['failedReason', 'id'] })).toThrowErrorMatchingInlineSnapshot(
      `[Error: omit must be names or paths that begin with attemptsMade, count, data, debounceId, deduplicatedJobId, deduplicationId, delay, failedReason, name, prev, returnvalue, fields, or job.<name>, got "id"]`,
    );
    expect(faultOf({ omit: ['job.returnvalue'] })).toThrow('omit must be');
  });

  test('in the name of the source', () => {
    expect(faultOf({ sourceName: 'redis 1' })).toThrowErrorMatchingInlineSnapshot(
      `[Error: sourceName must be 1 to 64 letters, digits, dots, dashes or underscores, got "redis 1"]`,
    );
  });

  test('in the size of a sweep', () => {
    expect(faultOf({ sweepSize: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[Error: sweepSize must be a whole number from 1 to 10000, got 0]`,
    );
    expect(faultOf({ sweepSize: 1.5 })).toThrowErrorMatchingInlineSnapshot(
      `[Error: sweepSize must be a whole number from 1 to 10000, got 1.5]`,
    );
  });

  test('in the number of shards', () => {
    expect(faultOf({ shards: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[Error: shards must be a whole number from 1 to 100, got 0]`,
    );
    expect(faultOf({ shards: 2.5 })).toThrowErrorMatchingInlineSnapshot(
      `[Error: shards must be a whole number from 1 to 100, got 2.5]`,
    );
  });

  test('in tailing', () => {
    expect(faultOf({ tail: 'sometimes' as 'auto' })).toThrowErrorMatchingInlineSnapshot(
      `[Error: tail must be auto, always or never, got "sometimes"]`,
    );
  });

  test('in the sender', () => {
    expect(faultOf({ publisher: 'curl' as 'sdk' })).toThrowErrorMatchingInlineSnapshot(
      `[Error: publisher must be lean or sdk, got "curl"]`,
    );
  });

  test('in the start point, as JavaScript may pass it', () => {
    const startFrom = 'newest' as 'now';
    expect(faultOf({ startFrom })).toThrowErrorMatchingInlineSnapshot(
      `[Error: startFrom must be "beginning" or "now", got "newest"]`,
    );
    expect(faultOf({ startFromByQueue: { emails: startFrom } })).toThrowErrorMatchingInlineSnapshot(
      `[Error: startFromByQueue.emails must be "beginning" or "now", got "newest"]`,
    );
    expect(faultOf({ startFromByQueue: { 'emails,payments': 'now' } })).toThrowErrorMatchingInlineSnapshot(
      `[Error: startFromByQueue must be by name of a queue, without commas, colons or spaces around it, got "emails,payments"]`,
    );
  });
});
