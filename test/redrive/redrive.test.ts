import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { fc } from '@fast-check/vitest';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createConcurrencyLimit } from '../../functions/bus/concurrency.ts';
import { type Park, parkIn } from '../../functions/bus/dead-letters.ts';
import { LIMITS } from '../../functions/bus/eventbridge/port.ts';
import { putEventsOf } from '../../functions/bus/eventbridge/sdk-sender.ts';
import { cutToFit } from '../../functions/bus/oversize/make-fit.ts';
import { createPublisher } from '../../functions/bus/publish.ts';
import type { BusEntry } from '../../functions/event/bus-entry.ts';
import { failedAgain, readLetter } from '../../functions/redrive/message.ts';
import type { Selection } from '../../functions/redrive/payload.ts';
import { emptyReport, redrive } from '../../functions/redrive/redrive.ts';
import { startBus } from '../../local/bus/server.ts';
import { repetitions } from '../effort.ts';
import { json } from '../event/json-text.ts';

const START = Date.parse('2026-11-01T12:00:00Z');
const bodyOf = (n: number, changes: object = {}) =>
  JSON.stringify({
    entry: { Source: 'bullmq', DetailType: 'Job Completed', Detail: JSON.stringify({ id: `${n}`, n }) },
    errorCode: 'InvalidArgument',
    errorMessage: 'no',
    parkedAt: '2026-11-01T11:00:00.000Z',
    attempts: 1,
    ...changes,
  });

/** A queue with parked events, a bus, and a clock that moves only while a run waits. */
async function world(count: number) {
  const bus = await startBus({ buses: ['bus'], queues: ['parked'] });
  const settings = {
    endpoint: bus.url,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  };
  const events = new EventBridgeClient(settings);
  const client = new SQSClient(settings);
  onTestFinished(async () => {
    events.destroy();
    client.destroy();
    await bus[Symbol.asyncDispose]();
  });
  const queueUrl = bus.queueUrl('parked');
  const send = (MessageBody: string) => client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody }));
  for (let n = 0; n < count; n += 1) await send(bodyOf(n));
  let time = START;
  const wait = async (milliseconds: number) => {
    time += milliseconds;
  };
  const container = {
    deadLetters: { client, queueUrl, busName: 'bus', makeFit: cutToFit },
    publishAndPark: (park: Park) =>
      createPublisher({
        bus: { name: 'bus', limits: LIMITS, put: putEventsOf(events, 'bus'), check: async () => undefined },
        park,
        concurrency: createConcurrencyLimit(4),
        wait,
        warn: () => {},
        random: () => 1,
      }),
    now: () => new Date(time),
    wait,
  };
  const drain = new AbortController();
  const stop = new AbortController();
  async function run(selection: Selection = {}) {
    const report = emptyReport();
    await redrive(selection, container, { drain: drain.signal, stop: stop.signal }, report);
    return report;
  }
  const toQueue = parkIn(client, { queueUrl, busName: 'bus', now: () => new Date(time) });
  const refusal = { errorCode: 'InternalException', errorMessage: 'as the bus said', attempts: 3 };
  const park = (entry: BusEntry) => toQueue({ entry, original: entry }, refusal, new AbortController().signal);
  return { bus, run, send, park, drain, stop, elapsed: () => time - START };
}

describe('a run', () => {
  test('sends a hundred dead letters a second', async () => {
    const { run, elapsed } = await world(250);

    expect(await run()).toMatchObject({ redriven: 250, left: 0 });
    expect(elapsed()).toBe(2500);
  });

  test('that only counts does not wait', async () => {
    const { run, elapsed } = await world(50);

    expect(await run({ dryRun: true })).toMatchObject({ redriven: 50, left: 0 });
    expect(elapsed()).toBe(0);
  });

  test('sends no more once it is told to drain, and reports how many are left', async () => {
    const { bus, run, drain } = await world(35);
    bus.faults.putEvents = ({ number }) => {
      if (number === 2) drain.abort();
      return undefined;
    };

    expect(await run()).toMatchObject({ redriven: 20, failed: 0, left: 15, warnings: [] });
    expect(bus.messages('parked')).toHaveLength(15);
  });

  test('that is told to stop gives up its requests and loses no event', async () => {
    const { bus, run, drain, stop } = await world(15);
    bus.faults.putEvents = ({ number }) => {
      if (number < 2) return undefined;
      drain.abort();
      stop.abort(new Error('the deadline'));
      return { kind: 'hang' };
    };

    expect(await run()).toMatchObject({
      redriven: 10,
      left: 5,
      warnings: ['The deadline came before all events were settled; the unsettled ones may come twice.'],
    });
    expect(bus.messages('parked')).toHaveLength(5);
  });
});

test('an event is what it was before it was parked, to the last digit', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(json, { minLength: 1, maxLength: 12 }), async (values) => {
      const { bus, park, run } = await world(0);
      const details = values.map((value, n) => `{"id":"${n}","returnvalue":${value}}`);
      for (const Detail of details) await park({ Source: 'bullmq', DetailType: 'Job Completed', Detail });

      expect(await run()).toMatchObject({ redriven: details.length, left: 0 });
      const sent = bus.accepted.map(({ Detail }) => Detail);
      expect(sent.sort()).toEqual(details.sort());
    }),
    { numRuns: repetitions(100, 10) },
  );
});

describe('messages that may not be published through the queue', () => {
  const entry = (Source: unknown) => ({ entry: { Source, DetailType: 'x', Detail: '{"id":"1"}' } });

  test.each(['aws.ec2', 'com.shop', 'bullmq.other', 'BullMQ', ' bullmq', '', 'bullbridge/x', null])(
    'stay, and the others are sent: source %j',
    async (source) => {
      const { bus, run, send } = await world(3);
      await send(bodyOf(7, entry(source)));

      const { redriven, failed, left, warnings } = await run();

      expect({ redriven, failed, left }).toEqual({ redriven: 3, failed: 0, left: 1 });
      expect(bus.accepted.map(({ detail }) => detail['n'])).toEqual([0, 1, 2]);
      expect(bus.messages('parked')).toHaveLength(1);
      expect(warnings).toHaveLength(1);
    },
  );

  test('are not messages of bullbridge itself', async () => {
    const { bus, run, send } = await world(0);
    await send(bodyOf(7, entry('bullbridge')));

    expect(await run()).toMatchObject({ redriven: 1, left: 0, warnings: [] });
    expect(bus.accepted).toMatchObject([{ Source: 'bullbridge' }]);
  });
});

describe('one bad message', () => {
  test('that SQS does not accept again stays in the queue, and the others are sent', async () => {
    const { bus, run, send } = await world(2);
    const [empty] = [bodyOf(9, { entry: { Source: 'bullmq', DetailType: 'x', Detail: '{"n":9,"x":""}' } })];
    const Detail = JSON.stringify({ n: 9, x: 'x'.repeat(1_048_575 - empty.length) });
    await send(bodyOf(9, { entry: { Source: 'bullmq', DetailType: 'x', Detail } }));
    await send(bodyOf(3));
    bus.faults.putEvents = ({ entries }) => {
      const at = entries.findIndex((entry) => entry.Detail?.includes('"n":9'));
      return at < 0 ? undefined : { kind: 'entries', codes: { [at]: 'InvalidArgument' } };
    };

    expect(await run()).toMatchObject({ redriven: 3, failed: 1, left: 1 });
    expect(bus.accepted.map(({ detail }) => detail['n']).sort()).toEqual([0, 1, 3]);
    expect(bus.messages('parked').map((body) => JSON.parse(JSON.parse(body).entry.Detail).n)).toEqual([9]);
  });

  test.each([
    ['a time that is none', { Time: '+275760-09-13T00:00:00.000Z' }],
    ['a trace that is none', { TraceHeader: 'x'.repeat(501) }],
    ['no detail type', { DetailType: '' }],
    ['a detail that is no object', { Detail: '[]' }],
  ])('with %s does not keep the others from being sent', async (_, changes) => {
    const { bus, run, send } = await world(2);
    await send(bodyOf(9, { entry: { Source: 'bullmq', DetailType: 'x', Detail: '{"n":9}', ...changes } }));
    await send(bodyOf(3));

    const { redriven, left } = await run();

    expect(redriven).toBeGreaterThanOrEqual(3);
    expect(redriven + left).toBe(4);
    expect(bus.accepted.map(({ detail }) => detail['n'])).toEqual(expect.arrayContaining([0, 1, 3]));
  });
});

describe('a dry run', () => {
  test('groups the dead letters, and has samples without the data of jobs', async () => {
    const { bus, run, send } = await world(12);
    const detail = {
      id: 'default/bull:emails/1-0',
      queue: 'emails',
      event: 'failed',
      jobId: '1',
      failedReason: 'SECRET',
    };
    const parked = { Source: 'bullmq', DetailType: 'Job Failed', Detail: JSON.stringify(detail) };
    await send(bodyOf(1, { entry: parked, errorCode: 'MalformedDetail', parkedAt: '2026-11-01T10:00:00.000Z' }));
    await send(bodyOf(1, { entry: parked, errorCode: 'MalformedDetail', parkedAt: '2026-11-01T09:00:00.000Z' }));

    const { redriven, groups, samples } = await run({ dryRun: true });

    expect(redriven).toBe(14);
    expect(groups).toEqual([
      { errorCode: 'InvalidArgument', count: 12, oldest: '2026-11-01T11:00:00.000Z' },
      { queue: 'emails', errorCode: 'MalformedDetail', count: 2, oldest: '2026-11-01T09:00:00.000Z' },
    ]);
    expect(samples).toHaveLength(10);
    expect(samples[0]).toEqual({
      id: '0',
      detailType: 'Job Completed',
      errorCode: 'InvalidArgument',
      errorMessage: 'no',
      attempts: 1,
      parkedAt: '2026-11-01T11:00:00.000Z',
    });
    expect(JSON.stringify(await run({ dryRun: true, queue: 'emails' }))).not.toContain('SECRET');
    expect(bus.accepted).toEqual([]);
    expect(bus.messages('parked')).toHaveLength(14);
  });
});

describe('the history of an entry', () => {
  test('has the newest twenty failures, the time it was first parked, and the number of all attempts', () => {
    let body = bodyOf(1);
    for (let round = 1; round <= 30; round += 1) {
      const parked = readLetter(body);
      if (!parked) throw new Error('not read');
      const refusal = { errorCode: `E${round}`, errorMessage: '', attempts: 2 };
      body = JSON.stringify({ entry: parked.entry, ...failedAgain(parked, refusal, new Date(START + round)) });
    }

    const { history, parkedAt, attempts, errorCode, failedAt } = JSON.parse(body);
    expect(history.map((failure: { errorCode: string }) => failure.errorCode)).toEqual(
      Array.from({ length: 20 }, (_, n) => `E${n + 10}`),
    );
    expect(history[0]).toEqual({
      errorCode: 'E10',
      errorMessage: '',
      attempts: 21,
      failedAt: '2026-11-01T12:00:00.010Z',
    });
    expect({ parkedAt, attempts, errorCode, failedAt }).toEqual({
      parkedAt: '2026-11-01T11:00:00.000Z',
      attempts: 61,
      errorCode: 'E30',
      failedAt: '2026-11-01T12:00:00.030Z',
    });
  });
});
