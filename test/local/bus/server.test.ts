import { randomUUID } from 'node:crypto';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { BusEvent } from '../../../local/bus/event-buses.ts';
import { type BusOptions, startBus } from '../../../local/bus/server.ts';
import { clientsOf } from './clients.ts';
import { type Connection, describeBusConformance } from './conformance.ts';

async function connect(): Promise<Connection> {
  const bus = await startBus({ buses: ['conformance'], buckets: ['conformance'] });
  const { events, sqs, destroy } = clientsOf(bus.url);
  return {
    events,
    sqs,
    url: bus.url,
    bus: 'conformance',
    bucket: 'conformance',
    // What is accepted has been delivered before PutEvents answers.
    async subscribe(pattern) {
      const arrived: BusEvent[] = [];
      bus.subscribe({ bus: 'conformance', pattern, deliver: (event) => arrived.push(event) });
      return async () => arrived.splice(0);
    },
    newName: randomUUID,
    async [Symbol.asyncDispose]() {
      destroy();
      await bus[Symbol.asyncDispose]();
    },
  };
}

describeBusConformance('our server', connect, {
  refusesNoEntries: true,
  refusesReservedSources: true,
  dropsLongDetailTypes: true,
  refusesDeepDetails: true,
  oversize: { status: 413, name: 'RequestEntityTooLarge' },
});

async function started(options: Partial<BusOptions> = {}) {
  const bus = await startBus({ buses: ['bus'], queues: ['queue'], ...options });
  const { events, sqs, secrets, destroy } = clientsOf(bus.url);
  onTestFinished(async () => {
    destroy();
    await bus[Symbol.asyncDispose]();
  });
  const put = (...details: string[]) =>
    events.send(
      new PutEventsCommand({
        Entries: details.map((Detail) => ({ Source: 's', DetailType: 't', Detail, EventBusName: 'bus' })),
      }),
    );
  const call = (target: string | undefined, body: string) =>
    fetch(bus.url, { method: 'POST', body, headers: target ? { 'x-amz-target': target } : {} });
  return { bus, sqs, secrets, put, call };
}

describe('our server', () => {
  test('keeps the accepted entries of existing buses, and the sizes of requests', async () => {
    const { bus, put } = await started();

    const { Entries } = await put('{"n":1}', 'malformed', '{"n":"ü"}');
    await put('{}');

    expect(bus.accepted.map(({ detail }) => detail)).toEqual([{ n: 1 }, { n: 'ü' }, {}]);
    expect(bus.accepted[0]).toMatchObject({ Source: 's', Detail: '{"n":1}', id: Entries?.[0]?.EventId });
    expect(bus.requests).toEqual([
      { entries: 3, bytes: 6 + 7 + 9 + 10 },
      { entries: 1, bytes: 4 },
    ]);
    expect(bus.counts).toEqual({ requests: 2, entries: 3, bytes: 36 });
  });

  test('only counts, without parsing details, if configured', async () => {
    const { bus, put } = await started({ record: false, validate: false });

    expect((await put('malformed')).FailedEntryCount).toBe(0);

    expect(bus.accepted).toEqual([]);
    expect(bus.requests).toEqual([]);
    expect(bus.counts).toEqual({ requests: 1, entries: 1, bytes: 11 });
  });

  test('delivers events that it does not keep', async () => {
    const { bus, put } = await started({ record: false, validate: false });
    const arrived: unknown[] = [];
    bus.subscribe({ bus: 'bus', pattern: { source: ['s'] }, deliver: ({ detail }) => arrived.push(detail) });

    expect((await put('malformed', '{"n":1}')).FailedEntryCount).toBe(1);

    expect(arrived).toEqual([{ n: 1 }]);
  });

  test('refuses a request over the limit with the other status, if configured', async () => {
    const { put } = await started({ oversize: 400 });

    await expect(put(JSON.stringify('x'.repeat(1024 * 1024)))).rejects.toMatchObject({
      name: 'ValidationException',
      $metadata: { httpStatusCode: 400 },
    });
  });

  test('shows a message again once its time has passed', async () => {
    let now = 0;
    const { bus, sqs } = await started({ now: () => now });
    const QueueUrl = bus.queueUrl('queue');
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'one' }));
    const receive = async () =>
      (
        await sqs.send(
          new ReceiveMessageCommand({ QueueUrl, MessageSystemAttributeNames: ['ApproximateReceiveCount'] }),
        )
      ).Messages ?? [];

    const [first] = await receive();
    now = 29_999;
    expect(await receive()).toEqual([]);
    now = 30_000;
    const [second] = await receive();

    expect(first?.Attributes).toEqual({ ApproximateReceiveCount: '1' });
    expect(second).toMatchObject({ Body: 'one', Attributes: { ApproximateReceiveCount: '2' } });
    expect(bus.messages('queue')).toEqual(['one']);
  });

  test('keeps the messages of a queue that is created again', async () => {
    const { bus, sqs } = await started();
    await sqs.send(new SendMessageCommand({ QueueUrl: bus.queueUrl('queue'), MessageBody: 'one' }));

    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'queue' }));

    expect(QueueUrl).toBe(bus.queueUrl('queue'));
    expect(bus.messages('queue')).toEqual(['one']);
    expect(bus.messages('no-such-queue')).toEqual([]);
  });

  test('has only the given secrets', async () => {
    const { secrets } = await started({ secrets: { redis: 'redis://:secret@host' } });
    const get = (SecretId: string) => secrets.send(new GetSecretValueCommand({ SecretId }));

    expect(await get('redis')).toMatchObject({ Name: 'redis', SecretString: 'redis://:secret@host' });
    await expect(get('other')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  test.each([
    ['AWSEvents.PutRule', 'AWSEvents.PutRule'],
    ['AmazonSQS.PurgeQueue', 'AmazonSQS.PurgeQueue'],
    ['DynamoDB_20120810.GetItem', 'DynamoDB_20120810.GetItem'],
    ['a call without a name', undefined],
  ])('reports that it does not know %s', async (_, target) => {
    const { bus, call } = await started();

    const response = await call(target, JSON.stringify({ QueueUrl: bus.queueUrl('queue') }));

    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ __type: 'UnknownOperationException' });
  });

  test.each(['{', '7', 'null'])('refuses the body %j, and continues to serve', async (body) => {
    const { call, put } = await started();

    const response = await call('AWSEvents.PutEvents', body);

    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ __type: 'SerializationException' });
    expect((await put('{}')).FailedEntryCount).toBe(0);
  });

  test('refuses a request without a list of entries', async () => {
    const { call } = await started();

    const response = await call('AWSEvents.PutEvents', '{}');

    expect(await response.json()).toMatchObject({ message: expect.stringContaining('Member must not be null') });
  });

  test('answers after the given delay', async () => {
    const { put } = await started({ delay: 50 });
    const before = performance.now();

    await put('{}');

    expect(performance.now() - before).toBeGreaterThan(45);
  });
});
