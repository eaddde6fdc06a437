import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createConcurrencyLimit } from '../../functions/bus/concurrency.ts';
import { parkIn } from '../../functions/bus/dead-letters.ts';
import { checkEventBus } from '../../functions/bus/eventbridge/check.ts';
import { leanPutEventsOf } from '../../functions/bus/eventbridge/lean-sender.ts';
import { LIMITS, type PutEvents } from '../../functions/bus/eventbridge/port.ts';
import { putEventsOf } from '../../functions/bus/eventbridge/sdk-sender.ts';
import { createPublisher } from '../../functions/bus/publish.ts';
import { BusError, ParkingError } from '../../functions/errors.ts';
import type { BusEntry } from '../../functions/event/bus-entry.ts';
import type { Fault } from '../../local/bus/faults.ts';
import { startBus } from '../../local/bus/server.ts';
import { faultsByName } from '../titles.ts';
import { largeEntry } from './oversize/large-entry.ts';

const NOW = new Date('2026-11-01T12:00:00Z');
const never = new AbortController().signal;
const entriesOf = (count: number): BusEntry[] =>
  Array.from({ length: count }, (_, n) => ({
    Source: 'bullmq',
    DetailType: 'Job Completed',
    Time: NOW,
    Detail: JSON.stringify({ n }),
  }));

interface Timeouts {
  readonly connectionTimeout: number;
  readonly requestTimeout: number;
}

/** What sends the requests: both must be answered, and fail, in the same way. */
const SENDERS: Readonly<Record<string, (client: EventBridgeClient, timeouts: Timeouts) => PutEvents>> = {
  'the AWS SDK': (client) => putEventsOf(client, 'bus'),
  'the lean sender': (client, timeouts) =>
    leanPutEventsOf(client, { busName: 'bus', now: () => new Date(), connections: 4, ...timeouts }),
};

describe.each(Object.keys(SENDERS))('by %s', (sender) => {
  /** A publisher in front of an endpoint whose faults are planned. */
  async function world({ maxRequestBytes = 1_000_000, concurrency = 4, requestTimeout = 10_000 } = {}) {
    const bus = await startBus({ buses: ['bus'], queues: ['parked'] });
    const settings = {
      endpoint: bus.url,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    };
    const timeouts = { connectionTimeout: 2000, requestTimeout };
    const requestHandler = { ...timeouts, throwOnRequestTimeout: true };
    const client = new EventBridgeClient({ ...settings, maxAttempts: 1, requestHandler });
    const sqs = new SQSClient({ ...settings, maxAttempts: 1 });
    const limit = createConcurrencyLimit(concurrency);
    const waits: number[] = [];
    const warnings: string[] = [];
    const patience = { wait: async () => {}, signal: never, warn: (message: string) => warnings.push(message) };
    const publish = createPublisher({
      bus: {
        name: 'bus',
        limits: { ...LIMITS, bytes: maxRequestBytes },
        check: (signal) => checkEventBus(client, 'bus', { ...patience, signal }),
        put: (SENDERS[sender] as (typeof SENDERS)[string])(client, timeouts),
      },
      park: parkIn(sqs, { queueUrl: bus.queueUrl('parked'), busName: 'bus', now: () => NOW }),
      concurrency: limit,
      wait: async (milliseconds) => waits.push(milliseconds),
      warn: (message) => warnings.push(message),
      random: () => 1,
    });
    onTestFinished(async () => {
      client.destroy();
      sqs.destroy();
      await bus[Symbol.asyncDispose]();
    });
    const arrived = () => bus.accepted.map(({ detail }) => detail['n']);
    const parked = () => bus.messages('parked').map((body) => JSON.parse(body));
    return { bus, client, publish, limit, waits, warnings, patience, arrived, parked };
  }

  describe('an entry that is', () => {
    test('accepted is published once', async () => {
      const { publish, arrived, bus } = await world();

      expect(await publish(entriesOf(25), never)).toEqual(Array.from({ length: 25 }, () => 'published'));
      expect(arrived().sort()).toEqual(
        entriesOf(25)
          .map((_, n) => n)
          .sort(),
      );
      expect(bus.counts.requests).toBe(3);
    });

    test('throttled is sent again alone, with fewer concurrent requests', async () => {
      const { bus, publish, limit, waits, arrived } = await world();
      const sizes: number[] = [];
      bus.faults.putEvents = ({ entries, number }) => {
        sizes.push(entries.length);
        return number <= 2 ? { kind: 'entries', codes: { [number === 1 ? 2 : 0]: 'ThrottlingException' } } : undefined;
      };

      expect(await publish(entriesOf(10), never)).toEqual(Array.from({ length: 10 }, () => 'published'));
      expect(sizes).toEqual([10, 1, 1]);
      expect(arrived()).toEqual([0, 1, 3, 4, 5, 6, 7, 8, 9, 2]);
      expect(limit.current).toBeLessThan(4);
      expect(waits).toEqual([50, 100]);
    });

    test('failed is sent again alone', async () => {
      const { bus, publish, arrived } = await world();
      bus.faults.putEvents = ({ number }) =>
        number === 1 ? { kind: 'entries', codes: { 0: 'InternalFailure', 4: 'InternalException' } } : undefined;

      expect(await publish(entriesOf(5), never)).toEqual(Array.from({ length: 5 }, () => 'published'));
      expect(arrived()).toEqual([1, 2, 3, 0, 4]);
    });

    test.each(['InvalidArgument', 'MalformedDetail', 'RedactionFailure'])(
      'refused with %s is parked with the reason and the time',
      async (code) => {
        const { bus, publish, arrived, parked } = await world();
        bus.faults.putEvents = () => ({ kind: 'entries', codes: { 1: code } });

        expect(await publish(entriesOf(3), never)).toEqual(['published', 'parked', 'published']);
        expect(arrived()).toEqual([0, 2]);
        expect(parked()).toEqual([
          {
            entry: {
              Source: 'bullmq',
              DetailType: 'Job Completed',
              Time: NOW.toISOString(),
              Detail: '{"n":1}',
              EventBusName: 'bus',
            },
            errorCode: code,
            errorMessage: 'planned',
            parkedAt: NOW.toISOString(),
            attempts: 1,
          },
        ]);
      },
    );

    test('malformed is parked with the reason of the endpoint', async () => {
      const { publish, parked } = await world();
      const malformed = { Source: 'bullmq', DetailType: 'x', Detail: '[1]' };

      expect(await publish([...entriesOf(1), malformed], never)).toEqual(['published', 'parked']);
      expect(parked()[0]).toMatchObject({ errorCode: 'MalformedDetail' });
    });

    test('answered with an unknown code is sent again, and parked once the bus accepts others', async () => {
      const { bus, publish, parked } = await world();
      bus.faults.putEvents = ({ entries }) => {
        const at = entries.findIndex(({ Detail }) => Detail === '{"n":1}');
        return at < 0 ? undefined : { kind: 'entries', codes: { [at]: 'SomethingNew' } };
      };

      expect(await publish(entriesOf(3), never)).toEqual(['published', 'parked', 'published']);
      expect(parked()).toMatchObject([{ errorCode: 'SomethingNew', attempts: expect.any(Number) }]);
      expect(parked()[0].attempts).toBeGreaterThan(5);
    });

    test('for a deleted bus stops the run and is not parked', async () => {
      const { bus, publish, parked } = await world();
      bus.faults.putEvents = () => ({ kind: 'entries', codes: { 1: 'ResourceNotFoundException' } });

      await expect(publish(entriesOf(3), never)).rejects.toMatchObject({ code: 'BUS_MISSING' });
      expect(parked()).toEqual([]);
    });

    test.each([
      'AccessDeniedException',
      'NotAuthorizedForSourceException',
      'NotAuthorizedForDetailTypeException',
      'InvalidAccountIdException',
    ])('denied with %s stops the run and is not parked', async (code) => {
      const { bus, publish, parked } = await world();
      bus.faults.putEvents = ({ number }) => (number === 2 ? { kind: 'entries', codes: { 9: code } } : undefined);

      const publishing = publish(entriesOf(100), never);

      await expect(publishing).rejects.toBeInstanceOf(BusError);
      await expect(publishing).rejects.toMatchObject({
        code: 'BUS_DENIED',
        message: expect.stringContaining(`${code}: planned. Nothing is skipped`),
      });
      expect(parked()).toEqual([]);
    });

    test.each([{ kind: 'short' }, { kind: 'blank' }] as const)(
      'left without an answer ($kind) is sent again',
      async (fault) => {
        const { bus, publish, arrived } = await world();
        bus.faults.putEvents = ({ number }) => (number === 1 ? fault : undefined);

        expect(await publish(entriesOf(4), never)).toEqual(Array.from({ length: 4 }, () => 'published'));
        expect(new Set(arrived())).toEqual(new Set([0, 1, 2, 3]));
      },
    );

    test('faulty makes its request fail: it is found and parked, and the others are published', async () => {
      const { bus, publish, arrived, parked } = await world();
      bus.faults.putEvents = ({ entries }) =>
        entries.some(({ Detail }) => Detail === '{"n":13}')
          ? { kind: 'error', status: 500, code: 'InternalException' }
          : undefined;

      expect(await publish(entriesOf(20), never)).toEqual(
        entriesOf(20).map((_, n) => (n === 13 ? 'parked' : 'published')),
      );
      expect(arrived()).toHaveLength(19);
      expect(parked()).toMatchObject([{ errorCode: 'InternalException', attempts: 12 }]);
    });

    test('still waiting after an outage when the next one begins is not parked', async () => {
      const { bus, publish, arrived, parked } = await world();
      const away: Fault = { kind: 'error', status: 503, code: 'ServiceUnavailable' };
      let isAgain = false;
      let asked = 0;
      bus.faults.describeEventBus = ({ number }) => {
        asked = number;
        return number <= 10 ? away : undefined;
      };
      bus.faults.putEvents = ({ entries, number }) => {
        if (number <= 2 * 8) return away;
        if (isAgain) return asked < 10 ? away : undefined;
        // It takes all others, and goes away again.
        isAgain = bus.counts.entries >= 9;
        return entries.some(({ Detail }) => Detail === '{"n":0}') ? away : undefined;
      };

      expect(await publish(entriesOf(20), never)).toEqual(Array(20).fill('published'));
      expect(parked()).toEqual([]);
      expect(new Set(arrived()).size).toBe(20);
    });

    test('one of several faulty entries of a request is parked like the others', async () => {
      const { bus, publish, arrived, parked } = await world();
      const toBlame = ['{"n":0}', '{"n":1}', '{"n":6}', '{"n":9}'];
      bus.faults.putEvents = ({ entries }) =>
        entries.some(({ Detail }) => toBlame.includes(Detail)) ? { kind: 'reset' } : undefined;

      expect(await publish(entriesOf(10), never)).toEqual(
        entriesOf(10).map(({ Detail }) => (toBlame.includes(Detail) ? 'parked' : 'published')),
      );
      expect(arrived()).toHaveLength(6);
      expect(parked()).toHaveLength(4);
    });
  });

  describe('a request that', () => {
    test.each(
      faultsByName(
        { kind: 'error', status: 400, code: 'ThrottlingException' },
        { kind: 'error', status: 500, code: 'InternalException' },
        { kind: 'error', status: 503, code: 'ServiceUnavailable' },
        { kind: 'hang' },
        { kind: 'reset' },
        { kind: 'reset-after-accept' },
        { kind: 'garbage' },
      ),
    )('fails as a whole (%s) is sent again', async (_, fault) => {
      const { bus, publish, arrived } = await world(fault.kind === 'hang' ? { requestTimeout: 300 } : {});
      bus.faults.putEvents = ({ number }) => (number === 1 ? fault : undefined);

      expect(await publish(entriesOf(10), never)).toEqual(Array.from({ length: 10 }, () => 'published'));
      expect(new Set(arrived()).size).toBe(10);
    });

    test.each([
      [413, 'TooMuch'],
      [400, 'ValidationException'],
      [400, 'SerializationException'],
    ])(
      'is refused as a whole with %i (%s) is sent in halves, and only the faulty entry is parked',
      async (status, code) => {
        const { bus, publish, parked } = await world();
        bus.faults.putEvents = ({ entries }) =>
          entries.some(({ Detail }) => Detail === '{"n":3}') ? { kind: 'error', status, code } : undefined;

        expect(await publish(entriesOf(10), never)).toEqual(
          entriesOf(10).map((_, n) => (n === 3 ? 'parked' : 'published')),
        );
        expect(parked()).toMatchObject([{ entry: { Detail: '{"n":3}' }, errorCode: code }]);
      },
    );

    test.each([
      [400, 'RequestExpired'],
      [404, 'UnknownOperationException'],
      [404, 'Whatever'],
      [400, 'Whatever'],
      [400, 'RequestAbortedException'],
      [301, 'Moved'],
      [409, 'Conflict'],
    ])('fails as a whole with %i (%s) is sent again, and no entry is parked', async (status, code) => {
      const { bus, publish, arrived, parked } = await world();
      bus.faults.putEvents = ({ number }) => (number <= 15 ? { kind: 'error', status, code } : undefined);

      expect(await publish(entriesOf(10), never)).toEqual(Array.from({ length: 10 }, () => 'published'));
      expect(arrived()).toHaveLength(10);
      expect(parked()).toEqual([]);
    });

    test.each([403, 401, 407])('is denied with %i stops the run', async (status) => {
      const { bus, publish } = await world();
      bus.faults.putEvents = () => ({ kind: 'error', status, code: 'Whatever' });

      await expect(publish(entriesOf(1), never)).rejects.toMatchObject({ code: 'BUS_DENIED' });
    });

    test.each(
      faultsByName(
        { kind: 'error', status: 500, code: 'InternalException' },
        { kind: 'error', status: 503, code: 'ServiceUnavailable' },
        { kind: 'reset' },
        { kind: 'garbage' },
      ),
    )('fails (%s) while no entry is accepted is sent again, and no entry is parked', async (_, fault) => {
      const { bus, publish, parked, arrived, waits } = await world();
      const outage = { from: 3, to: 120 };
      bus.faults.putEvents = ({ number }) => (number > outage.from && number <= outage.to ? fault : undefined);

      expect(await publish(entriesOf(100), never)).toEqual(Array(100).fill('published'));
      expect(parked()).toEqual([]);
      expect(arrived()).toHaveLength(100);
      expect(waits.slice(-1)).toEqual([3000]);
    });

    test('hangs is awaited, with a warning when this begins and when it ends', async () => {
      const { bus, publish, warnings } = await world({ requestTimeout: 600 });
      bus.faults.putEvents = ({ number }) => (number <= 3 ? { kind: 'hang' } : undefined);

      expect(await publish(entriesOf(1), never)).toEqual(['published']);
      expect(warnings).toEqual([
        expect.stringMatching(/^The event bus does not answer \(TimeoutError: .*\); waiting$/),
        expect.stringMatching(/^The event bus answers again after \d\.\d s$/),
      ]);
    });

    test('still fails when the publisher is told to stop is an error with the reason', async () => {
      const { bus, publish, parked, warnings } = await world({ requestTimeout: 600 });
      const stop = new AbortController();
      bus.faults.putEvents = ({ number }) => {
        if (number === 4) stop.abort(new Error('the deadline'));
        return { kind: 'hang' };
      };

      await expect(publish(entriesOf(1), stop.signal)).rejects.toMatchObject({
        code: 'BUS_UNAVAILABLE',
        message: expect.stringMatching(
          /^The event bus does not answer \(.*\): TimeoutError: .*the next run tries again/,
        ),
      });
      expect(parked()).toEqual([]);
      expect(warnings).toHaveLength(1);
    });

    test('is throttled is sent again until the publisher is told to stop', async () => {
      const { bus, publish } = await world();
      const stop = new AbortController();
      bus.faults.putEvents = ({ number }) => {
        if (number === 30) stop.abort(new Error('the deadline'));
        return { kind: 'error', status: 400, code: 'ThrottlingException' };
      };

      await expect(publish(entriesOf(1), stop.signal)).rejects.toThrow('the deadline');
      expect(bus.counts.requests).toBe(0);
    });
  });

  describe('a publisher that is told to stop', () => {
    test('does not wait for requests that hang, and publishes again afterwards', async () => {
      const { bus, publish } = await world();
      const stop = new AbortController();
      bus.faults.putEvents = () => {
        stop.abort(new Error('the deadline'));
        return { kind: 'hang' };
      };
      await expect(publish(entriesOf(100), stop.signal)).rejects.toThrow('the deadline');
      expect(bus.counts.requests).toBe(0);

      bus.faults.putEvents = undefined;
      expect(await publish(entriesOf(100), never)).toEqual(Array(100).fill('published'));
    });

    test('before it begins sends nothing', async () => {
      const { bus, publish } = await world();

      await expect(publish(entriesOf(30), AbortSignal.abort(new Error('the deadline')))).rejects.toThrow(
        'the deadline',
      );
      expect(bus.counts.requests).toBe(0);
    });
  });

  describe('parking', () => {
    test('that fails stops the run, and no entry is skipped', async () => {
      const { bus, publish } = await world();
      bus.faults.putEvents = () => ({ kind: 'entries', codes: { 0: 'InvalidArgument' } });
      bus.faults.sendMessage = () => ({ kind: 'error', status: 400, code: 'AccessDenied' });

      const publishing = publish(entriesOf(1), never);

      await expect(publishing).rejects.toBeInstanceOf(ParkingError);
      await expect(publishing).rejects.toThrow(
        /does not take it \(InvalidArgument, .*\): AccessDenied: planned\. Nothing is skipped/,
      );
    });

    test('cuts an entry that is too large for SQS once its quotes are escaped again', async () => {
      const { bus, publish, parked } = await world();
      bus.faults.putEvents = () => ({ kind: 'entries', codes: { 0: 'InvalidArgument' } });
      const entry = largeEntry('event', 'completed', 'returnvalue', JSON.stringify('"\ufffe'.repeat(150_000)));

      expect(await publish([entry], never)).toEqual(['parked']);
      expect(JSON.parse(parked()[0].entry.Detail).truncated).toEqual([{ field: 'returnvalue', bytes: 600_000 }]);
    });
  });

  describe('a detail that is already a text', () => {
    test('is parked as it is', async () => {
      const { bus, publish, parked } = await world();
      bus.faults.putEvents = () => ({ kind: 'entries', codes: { 0: 'InvalidArgument' } });
      const Detail = JSON.stringify({ id: 'x', failedReason: '"'.repeat(200_000) });

      expect(await publish([{ Source: 'bullmq', DetailType: 'x', Detail }], never)).toEqual(['parked']);
      expect(parked()[0].entry.Detail).toBe(Detail);
    });

    test('is refused by SQS if it is too large, and stops the run', async () => {
      const { publish } = await world();
      const Detail = JSON.stringify({ id: 'x', queue: 'q'.repeat(1_100_000) });

      await expect(publish([{ Source: 'bullmq', DetailType: 'x', Detail }], never)).rejects.toThrow(
        /does not take it \(.*\): InvalidParameterValue/,
      );
    });
  });

  describe('entries over the limit', () => {
    test('are cut and published', async () => {
      const { bus, publish } = await world({ maxRequestBytes: 5000 });

      expect(await publish([largeEntry('event', 'failed', 'failedReason', 'y'.repeat(9000))], never)).toEqual([
        'published',
      ]);
      expect(bus.accepted[0]?.detail['truncated']).toEqual([{ field: 'failedReason', bytes: 9000 }]);
    });
  });

  describe('the bus', () => {
    test('that exists is found', async () => {
      const { client, patience } = await world();

      expect(await checkEventBus(client, 'bus', patience)).toBeUndefined();
    });

    test('that does not exist is an error', async () => {
      const { client, patience } = await world();

      await expect(checkEventBus(client, 'buss', patience)).rejects.toMatchObject({
        code: 'BUS_MISSING',
        message: expect.stringContaining('no event bus ("buss")'),
      });
    });

    test('that may not be checked is only a warning', async () => {
      const { bus, client, patience } = await world();
      bus.faults.describeEventBus = () => ({ kind: 'error', status: 400, code: 'AccessDeniedException' });

      expect(await checkEventBus(client, 'bus', patience)).toBe(
        'could not check that the event bus "bus" exists (AccessDeniedException); grant events:DescribeEventBus',
      );
    });

    test('whose check is throttled is only a warning', async () => {
      const { bus, client, patience } = await world();
      bus.faults.describeEventBus = () => ({ kind: 'error', status: 400, code: 'ThrottlingException' });

      expect(await checkEventBus(client, 'bus', patience)).toMatch(/^could not check that .* \(ThrottlingException\)/);
    });

    test.each(
      faultsByName({ kind: 'error', status: 500, code: 'InternalException' }, { kind: 'reset' }, { kind: 'garbage' }),
    )('that fails (%s) is checked again until it answers', async (_, fault) => {
      const { bus, client, patience } = await world();
      bus.faults.describeEventBus = ({ number }) => (number <= 5 ? fault : undefined);

      expect(await checkEventBus(client, 'bus', patience)).toBeUndefined();
    });

    test('that does not answer until the run must end is an error', async () => {
      const { bus, client, patience } = await world();
      const drain = new AbortController();
      bus.faults.describeEventBus = ({ number }) => {
        if (number === 5) drain.abort();
        return { kind: 'reset' };
      };

      await expect(checkEventBus(client, 'bus', { ...patience, signal: drain.signal })).rejects.toMatchObject({
        code: 'BUS_UNAVAILABLE',
      });
    });
  });
});
