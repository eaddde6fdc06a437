import { DescribeEventBusCommand, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Fault } from '../../../local/bus/faults.ts';
import { startBus } from '../../../local/bus/server.ts';
import { clientsOf } from './clients.ts';

/** The request timeout for calls that are not answered in time: ms. */
const SHORT = 200;

async function started(fault?: Fault, requestTimeout?: number) {
  const bus = await startBus({ buses: ['bus'], queues: ['queue'], secrets: { secret: 'text' } });
  const { events, sqs, secrets, destroy } = clientsOf(bus.url, requestTimeout);
  onTestFinished(async () => {
    destroy();
    await bus[Symbol.asyncDispose]();
  });
  if (fault) bus.faults.putEvents = () => fault;
  /** Sends entries that are numbered from 0. */
  const put = (count = 3, options: { abortSignal?: AbortSignal } = {}) => {
    const entry = (_: unknown, n: number) => ({
      Source: 's',
      DetailType: 't',
      Detail: `{"n":${n}}`,
      EventBusName: 'bus',
    });
    return events.send(new PutEventsCommand({ Entries: Array.from({ length: count }, entry) }), options);
  };
  const arrived = () => bus.accepted.map(({ detail }) => detail['n']);
  return { bus, events, sqs, secrets, put, arrived };
}

const id = { EventId: expect.any(String) };

describe('a fault in the results of PutEvents', () => {
  test('entries: the named entries fail with their codes, and the others are accepted', async () => {
    const { put, arrived } = await started({
      kind: 'entries',
      codes: { 0: 'InternalFailure', 2: 'ThrottlingException' },
    });

    expect(await put(4)).toMatchObject({
      FailedEntryCount: 2,
      Entries: [
        { ErrorCode: 'InternalFailure', ErrorMessage: 'planned' },
        id,
        { ErrorCode: 'ThrottlingException', ErrorMessage: 'planned' },
        id,
      ],
    });
    expect(arrived()).toEqual([1, 3]);
  });

  test('short: all entries are accepted, and the last result is missing', async () => {
    const { put, arrived } = await started({ kind: 'short' });

    expect((await put()).Entries).toEqual([id, id]);
    expect(arrived()).toEqual([0, 1, 2]);
  });

  test.each([
    ['the first', { kind: 'blank' }, 0, [1, 2]],
    ['another one', { kind: 'blank', entry: 2 }, 2, [0, 1]],
    ['one that is accepted', { kind: 'blank', entry: 1, accepted: true }, 1, [0, 1, 2]],
  ] as const)('blank: the result of an entry is empty: %s', async (_, fault, blank, accepted) => {
    const { put, arrived } = await started(fault);

    const { Entries, FailedEntryCount } = await put();

    expect(FailedEntryCount).toBe(0);
    expect(Entries).toEqual([0, 1, 2].map((n) => (n === blank ? {} : id)));
    expect(arrived()).toEqual(accepted);
  });
});

describe('a fault of a call', () => {
  test.each([
    [400, 'ThrottlingException'],
    [400, 'AccessDeniedException'],
    [413, 'RequestEntityTooLarge'],
    [500, 'InternalException'],
  ])('error: %i %s, nothing is accepted', async (status, code) => {
    const { put, arrived } = await started({ kind: 'error', status, code, message: 'because' });

    await expect(put()).rejects.toMatchObject({
      name: code,
      message: 'because',
      $metadata: { httpStatusCode: status, attempts: 1 },
    });
    expect(arrived()).toEqual([]);
  });

  test('hang: it is never answered, and no entry is accepted', async () => {
    const { bus, put, arrived } = await started({ kind: 'hang' }, SHORT);

    await expect(put()).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(arrived()).toEqual([]);
    expect(bus.counts.requests).toBe(0);
  });

  test('hang: closing the server ends it', async () => {
    const { bus, events } = await started();
    const asked = Promise.withResolvers<void>();
    bus.faults.describeEventBus = () => {
      asked.resolve();
      return { kind: 'hang' };
    };
    const asking = events.send(new DescribeEventBusCommand({ Name: 'bus' }));
    await asked.promise;

    await Promise.all([expect(asking).rejects.toMatchObject({ code: 'ECONNRESET' }), bus[Symbol.asyncDispose]()]);

    await expect(fetch(bus.url)).rejects.toThrow();
  });

  test.each([
    ['reset', 'nothing', []],
    ['reset-after-accept', 'everything', [0, 1, 2]],
  ] as const)('%s: the connection breaks, and %s is accepted', async (kind, _, accepted) => {
    const { put, arrived } = await started({ kind });

    await expect(put()).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(arrived()).toEqual(accepted);
  });

  test('garbage: the answer is not JSON, although its status is 200', async () => {
    const { put, arrived } = await started({ kind: 'garbage' });

    await expect(put()).rejects.toMatchObject({ name: 'SyntaxError', $response: { statusCode: 200 } });
    expect(arrived()).toEqual([]);
  });

  test('late: it is accepted at once and answered later', async () => {
    const { put, arrived } = await started({ kind: 'late', milliseconds: 50 });
    const before = performance.now();

    expect((await put()).FailedEntryCount).toBe(0);

    expect(performance.now() - before).toBeGreaterThan(45);
    expect(arrived()).toEqual([0, 1, 2]);
  });

  test('late: it is answered too late for the client, but accepted', async () => {
    const { put, arrived } = await started({ kind: 'late', milliseconds: 60_000 }, SHORT);

    await expect(put()).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(arrived()).toEqual([0, 1, 2]);
  });
});

describe('a plan', () => {
  test('sees the entries and the number of the request', async () => {
    const { bus, put } = await started();
    const seen: unknown[] = [];
    bus.faults.putEvents = ({ entries, number }) => {
      seen.push([number, entries.map(({ Detail }) => Detail)]);
      return number === 1 ? { kind: 'error', status: 500, code: 'InternalException' } : undefined;
    };

    await expect(put(1)).rejects.toThrow('planned');
    expect((await put(2)).FailedEntryCount).toBe(0);

    expect(seen).toEqual([
      [1, ['{"n":0}']],
      [2, ['{"n":0}', '{"n":1}']],
    ]);
  });

  test('is separate for each kind of call, and counts only its calls', async () => {
    const { bus, events, sqs, secrets, put } = await started();
    const numbers: unknown[] = [];
    const denied = (call: string) => (request: { readonly number: number }) => {
      numbers.push([call, request.number]);
      return { kind: 'error', status: 400, code: `${call}Denied` } as const;
    };
    bus.faults.describeEventBus = denied('Describe');
    bus.faults.sendMessage = denied('Send');
    bus.faults.getSecretValue = denied('Secret');
    const message = new SendMessageCommand({ QueueUrl: bus.queueUrl('queue'), MessageBody: 'x' });

    await expect(events.send(new DescribeEventBusCommand({ Name: 'bus' }))).rejects.toThrow('planned');
    await expect(sqs.send(message)).rejects.toMatchObject({ name: 'SendDenied' });
    await expect(secrets.send(new GetSecretValueCommand({ SecretId: 'secret' }))).rejects.toThrow('planned');
    await expect(sqs.send(message)).rejects.toThrow('planned');
    expect((await put()).FailedEntryCount).toBe(0);

    expect(numbers).toEqual([
      ['Describe', 1],
      ['Send', 1],
      ['Secret', 1],
      ['Send', 2],
    ]);
    expect(bus.messages('queue')).toEqual([]);
  });

  test('can lose the answer of a message that was stored', async () => {
    const { bus, sqs } = await started();
    bus.faults.sendMessage = () => ({ kind: 'reset-after-accept' });

    const sending = sqs.send(new SendMessageCommand({ QueueUrl: bus.queueUrl('queue'), MessageBody: 'x' }));

    await expect(sending).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(bus.messages('queue')).toEqual(['x']);
  });
});
