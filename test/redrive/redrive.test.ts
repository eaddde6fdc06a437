import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createConcurrencyLimit } from '../../functions/bus/concurrency.ts';
import type { Park } from '../../functions/bus/dead-letters.ts';
import { putEventsOf } from '../../functions/bus/event-bus.ts';
import { createPublisher } from '../../functions/bus/publish.ts';
import { cutToFit } from '../../functions/bus/shrink.ts';
import { failedAgain, readParked } from '../../functions/redrive/parked.ts';
import type { Selection } from '../../functions/redrive/payload.ts';
import { emptyReport, redrive } from '../../functions/redrive/redrive.ts';
import { startBus } from '../../local/bus/server.ts';

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
  for (let n = 0; n < count; n += 1)
    await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: bodyOf(n) }));
  let time = START;
  const wait = async (milliseconds: number) => {
    time += milliseconds;
  };
  const container = {
    deadLetters: { client, queueUrl, busName: 'bus', shrink: cutToFit },
    publishAndPark: (park: Park) =>
      createPublisher({
        putEvents: putEventsOf(events, 'bus'),
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
  return { bus, run, drain, stop, elapsed: () => time - START };
}

describe('a run', () => {
  test('sends a hundred a second', async () => {
    const { run, elapsed } = await world(250);

    expect(await run()).toMatchObject({ redriven: 250, left: 0 });
    expect(elapsed()).toBe(2500);
  });

  test('that only counts does not wait', async () => {
    const { run, elapsed } = await world(50);

    expect(await run({ dryRun: true })).toMatchObject({ redriven: 50, left: 0 });
    expect(elapsed()).toBe(0);
  });

  test('begins nothing new once it is told to drain, and reports how many are left', async () => {
    const { bus, run, drain } = await world(35);
    bus.faults.putEvents = ({ number }) => {
      if (number === 2) drain.abort();
      return undefined;
    };

    expect(await run()).toMatchObject({ redriven: 20, failed: 0, left: 15, warnings: [] });
    expect(bus.messages('parked')).toHaveLength(15);
  });

  test('that is told to stop gives up what is under way and loses nothing', async () => {
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
      warnings: ['The deadline came before all events under way were settled; those may come twice.'],
    });
    expect(bus.messages('parked')).toHaveLength(5);
  });
});

describe('the history of an entry', () => {
  test('has the newest twenty failures, the first time it was parked and all attempts', () => {
    let body = bodyOf(1);
    for (let round = 1; round <= 30; round += 1) {
      const parked = readParked(body);
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
