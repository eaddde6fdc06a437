import {
  DescribeEventBusCommand,
  type EventBridgeClient,
  PutEventsCommand,
  type PutEventsRequestEntry,
} from '@aws-sdk/client-eventbridge';
import {
  ChangeMessageVisibilityBatchCommand,
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { leanPutEventsOf } from '../../../functions/bus/eventbridge/lean-sender.ts';
import { type PutObject, putObjectIn } from '../../../functions/bus/oversize/payload-bucket.ts';
import type { BusEvent } from '../../../local/bus/event-buses.ts';

/** Takes events as they arrive at a target, in no order; fails where too few come. */
export type Take = (count: number) => Promise<BusEvent[]>;

/** An event bus, SQS and S3 to hold against what is known of AWS. */
export interface Connection extends AsyncDisposable {
  readonly events: EventBridgeClient;
  readonly sqs: SQSClient;
  readonly url: string;
  /** An S3 bucket that exists and that nobody else writes to. */
  readonly bucket: string;
  /** A bus that exists and that nobody else writes to. */
  readonly bus: string;
  /** Adds a rule to the bus, with a target. */
  subscribe(pattern: object): Promise<Take>;
  /** A name that is a queue's nowhere yet. */
  newName(): string;
}

/** Where the two servers are known to differ, and from AWS: each with what AWS does. */
export interface Differences {
  /** AWS's model demands one entry at least. LocalStack answers with no results. */
  readonly refusesNoEntries: boolean;
  /** AWS keeps sources that begin with `aws.` for itself. LocalStack takes them. */
  readonly refusesReservedSources: boolean;
  /** AWS drops an entry whose detail-type is over 128 characters. LocalStack delivers it. */
  readonly dropsLongDetailTypes: boolean;
  /** AWS does not process a detail of more than 1,000 levels. LocalStack does. */
  readonly refusesDeepDetails: boolean;
  /**
   * What a request over the limit is answered with. AWS's own connector for Kafka waits for status 413, LocalStack has
   * what it once recorded of AWS. `undefined`: the limit is not AWS's (LocalStack's image looks at one entry alone, and
   * for 256 KiB).
   */
  readonly oversize: { readonly status: number; readonly name: string } | undefined;
}

type Entry = PutEventsRequestEntry;

const LIMIT = 1024 * 1024;
const TIME = new Date('2026-11-01T12:34:56.789Z');

/** Describes what a bus, SQS and S3 have to answer; run against our server and against LocalStack. */
export function describeBusConformance(
  name: string,
  connect: () => Promise<Connection>,
  differences: Differences,
): void {
  describe(`${name} as a bus`, () => {
    let connection: Connection;
    beforeAll(async () => {
      connection = await connect();
    });
    afterAll(() => connection[Symbol.asyncDispose]());

    const entry = (changes: Entry = {}): Entry => ({
      Source: 'bullmq',
      DetailType: 'Job Completed',
      Detail: '{"n":1}',
      EventBusName: connection.bus,
      ...changes,
    });
    /** An entry of this size in bytes. */
    const sized = (bytes: number, changes: Entry = {}): Entry => {
      const { Source = '', DetailType = '' } = entry(changes);
      return entry({ ...changes, Detail: `{"n":"${'x'.repeat(bytes - Source.length - DetailType.length - 8)}"}` });
    };
    const put = (...Entries: Entry[]) => connection.events.send(new PutEventsCommand({ Entries }));
    const codesOf = async (...entries: Entry[]) =>
      (await put(...entries)).Entries?.map(({ ErrorCode, EventId }) => ErrorCode ?? (EventId ? 'accepted' : 'nothing'));
    /** What arrives with this source, which no other test uses. */
    const arrivals = async (source: string) => connection.subscribe({ source: [source] });

    describe('results', () => {
      test('are one for each entry, in order, including failed entries', async () => {
        const result = await put(entry(), entry({ Detail: '[1]' }), entry(), entry({ Source: undefined }));

        expect(result.FailedEntryCount).toBe(2);
        expect(result.Entries).toEqual([
          { EventId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
          { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' },
          { EventId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
          {
            ErrorCode: 'InvalidArgument',
            ErrorMessage: 'Parameter Source is not valid. Reason: Source is a required argument.',
          },
        ]);
      });

      test('are the same for a request of the lean sender', async () => {
        const taken = await arrivals('lean');
        const timeouts = { connectionTimeout: 2000, requestTimeout: 30_000 };
        const now = () => new Date();
        const options = { busName: connection.bus, now, connections: 1, ...timeouts };
        const lean = { Source: 'lean', DetailType: 'ü', Time: TIME, Detail: '{"text":"ü\u{1f600}\\""}' };

        expect(await leanPutEventsOf(connection.events, options)([lean, { ...lean, Detail: '[1]' }])).toEqual([
          { EventId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
          { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' },
        ]);
        expect(await taken(1)).toMatchObject([{ 'detail-type': 'ü', detail: { text: 'ü\u{1f600}"' } }]);
      });

      test.each(['[1]', '1', '"text"', 'null', 'true', '{', '{"n":1', '{"n":1}x', '{n:1}'])(
        'call the detail %j malformed',
        async (Detail) => {
          expect(await codesOf(entry({ Detail }))).toEqual(['MalformedDetail']);
        },
      );

      test('accept an empty detail', async () => {
        expect(await codesOf(entry({ Detail: '{}' }), entry({ Detail: ' { } ' }))).toEqual(['accepted', 'accepted']);
      });

      test.each(['Source', 'DetailType', 'Detail'] as const)('name %s when it is missing or empty', async (field) => {
        const result = await put(entry({ [field]: undefined }), entry(), entry({ [field]: '' }));

        const ErrorMessage = `Parameter ${field} is not valid. Reason: ${field} is a required argument.`;
        expect(result.Entries).toEqual([
          { ErrorCode: 'InvalidArgument', ErrorMessage },
          { EventId: expect.any(String) },
          { ErrorCode: 'InvalidArgument', ErrorMessage },
        ]);
      });

      test('are one for each entry even when no entry is valid', async () => {
        expect(await codesOf({}, entry({ Detail: undefined }))).toEqual(['InvalidArgument', 'InvalidArgument']);
      });

      test('accept an entry with a trace header, which is not in the event', async () => {
        const take = await arrivals('traced');
        const TraceHeader = 'Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1';

        expect(await codesOf(entry({ Source: 'traced', TraceHeader }))).toEqual(['accepted']);

        const [event] = await take(1);
        expect(event?.detail).toEqual({ n: 1 });
        expect(JSON.stringify(event)).not.toContain('4bf92f35');
      });

      test('accept an entry for a bus that does not exist', async () => {
        expect(await codesOf(entry({ EventBusName: 'no-such-bus' }))).toEqual(['accepted']);
      });

      test('show whether the source belongs to AWS', async () => {
        expect(await codesOf(entry({ Source: 'aws.ec2' }), entry({ Source: 'awsome' }))).toEqual([
          differences.refusesReservedSources ? 'NotAuthorizedForSourceException' : 'accepted',
          'accepted',
        ]);
      });

      test('show whether a detail is nested too deep', async () => {
        const nested = (levels: number) => entry({ Detail: `${'{"n":'.repeat(levels)}1${'}'.repeat(levels)}` });

        expect(await codesOf(nested(1000), nested(1001))).toEqual([
          'accepted',
          differences.refusesDeepDetails ? 'MalformedDetail' : 'accepted',
        ]);
      });
    });

    describe('a request', () => {
      test('of ten entries is accepted, and of eleven entries is refused', async () => {
        expect(await codesOf(...Array(10).fill(entry()))).toEqual(Array(10).fill('accepted'));
        await expect(put(...Array(11).fill(entry()))).rejects.toMatchObject({
          name: 'ValidationException',
          message: expect.stringMatching(
            /at 'entries' failed to satisfy constraint: Member must have length less than/,
          ),
          $metadata: { httpStatusCode: 400 },
        });
      });

      test('of no entries is refused, or has no results', async () => {
        const nothing = put();

        if (differences.refusesNoEntries)
          await expect(nothing).rejects.toMatchObject({
            name: 'ValidationException',
            $metadata: { httpStatusCode: 400 },
          });
        else expect(await nothing).toMatchObject({ FailedEntryCount: 0, Entries: [] });
      });

      test.runIf(differences.oversize)('just under the limit is accepted', async () => {
        expect(await codesOf(sized(LIMIT - 1))).toEqual(['accepted']);
        // A time is 14 bytes, and a letter can be more than one.
        const wide = entry({ Source: 'bullmq-ü', Time: TIME });
        expect(await codesOf(wide, sized(LIMIT - 1 - (9 + 13 + 7 + 14)))).toEqual(['accepted', 'accepted']);
      });

      test.runIf(differences.oversize)('over the limit is refused before any entry is delivered', async () => {
        const take = await arrivals('over the limit');
        const [small, last] = [
          entry({ Source: 'over the limit' }),
          entry({ Source: 'over the limit', Detail: '{"last":1}' }),
        ];

        for (const entries of [[small, sized(LIMIT - (14 + 13 + 7))], [sized(LIMIT)]]) {
          await expect(put(...entries)).rejects.toMatchObject({
            name: differences.oversize?.name,
            message: 'Total size of the entries in the request is over the limit.',
            $metadata: { httpStatusCode: differences.oversize?.status },
          });
        }

        await put(last);
        expect((await take(1)).map(({ detail }) => detail)).toEqual([{ last: 1 }]);
      });
    });

    describe('a rule', () => {
      test('gets the complete event, with its time in whole seconds', async () => {
        const take = await arrivals('whole');

        const result = await put(
          entry({ Source: 'whole', Time: TIME, Resources: ['a:b'], Detail: '{"n":{"ä":[1.5]}}' }),
        );

        expect(await take(1)).toEqual([
          {
            version: '0',
            id: result.Entries?.[0]?.EventId,
            'detail-type': 'Job Completed',
            source: 'whole',
            account: '000000000000',
            time: '2026-11-01T12:34:56Z',
            region: 'eu-west-1',
            resources: ['a:b'],
            detail: { n: { ä: [1.5] } },
          },
        ]);
      });

      test('gets the time of the call if an entry has none, and no resources', async () => {
        const take = await arrivals('plain');
        const before = Date.now();

        await put(entry({ Source: 'plain' }));

        const [event] = await take(1);
        expect(event?.resources).toEqual([]);
        expect(event?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
        expect(Date.parse(event?.time ?? '')).toBeGreaterThan(before - 1000);
        expect(Date.parse(event?.time ?? '')).toBeLessThanOrEqual(Date.now());
      });

      test('gets only the events that its pattern matches', async () => {
        const take = await connection.subscribe({
          source: ['patterns'],
          'detail-type': [{ prefix: 'Job ' }],
          detail: { queue: ['emails'], attemptsMade: [{ numeric: ['>=', 3] }] },
        });
        const detailOf = (queue: string, attemptsMade: number) => JSON.stringify({ queue, attemptsMade });
        const Source = 'patterns';

        await put(
          entry({ Source, Detail: detailOf('emails', 2) }),
          entry({ Source, Detail: detailOf('images', 3) }),
          entry({ Source, DetailType: 'Queue Drained', Detail: detailOf('emails', 3) }),
          entry({ Source: 'others', Detail: detailOf('emails', 3) }),
          entry({ Source, Detail: detailOf('emails', 3) }),
          entry({ Source, Detail: detailOf('emails', 4) }),
        );

        const numbers = (await take(2)).map(({ detail }) => detail['attemptsMade']);
        expect(new Set(numbers)).toEqual(new Set([3, 4]));
      });

      test('gets no event of another bus or of a failed entry', async () => {
        const take = await arrivals('apart');
        const Source = 'apart';

        await put(
          entry({ Source, EventBusName: 'default' }),
          entry({ Source, EventBusName: 'no-such-bus' }),
          entry({ Source, Detail: '[]' }),
          entry({ Source, DetailType: '' }),
        );
        await put(entry({ Source, Detail: '{"last":1}' }));

        expect((await take(1)).map(({ detail }) => detail)).toEqual([{ last: 1 }]);
      });

      test('gets no event of an entry whose detail-type is too long, although it is accepted', async () => {
        const take = await arrivals('long');
        const Source = 'long';

        expect(await codesOf(entry({ Source, DetailType: 'x'.repeat(129) }))).toEqual(['accepted']);
        await put(entry({ Source, DetailType: 'y'.repeat(128) }));

        const types = (await take(differences.dropsLongDetailTypes ? 1 : 2)).map((event) => event['detail-type']);
        expect(types).toContain('y'.repeat(128));
        expect(types.includes('x'.repeat(129))).toBe(!differences.dropsLongDetailTypes);
      });
    });

    describe('DescribeEventBus', () => {
      const describeBus = (Name: string) => connection.events.send(new DescribeEventBusCommand({ Name }));

      test.each(['bus', 'default'])('finds a bus that exists by name and by ARN (%s)', async (which) => {
        const bus = which === 'bus' ? connection.bus : 'default';
        const Arn = `arn:aws:events:eu-west-1:000000000000:event-bus/${bus}`;

        expect(await describeBus(bus)).toMatchObject({ Name: bus, Arn });
        expect(await describeBus(Arn)).toMatchObject({ Name: bus, Arn });
      });

      test('reports that another bus does not exist', async () => {
        await expect(describeBus('no-such-bus')).rejects.toMatchObject({
          name: 'ResourceNotFoundException',
          message: 'Event bus no-such-bus does not exist.',
          $metadata: { httpStatusCode: 400 },
        });
      });
    });
  });

  describe(`${name} as SQS`, () => {
    let connection: Connection;
    beforeAll(async () => {
      connection = await connect();
    });
    afterAll(() => connection[Symbol.asyncDispose]());

    async function newQueue(): Promise<string> {
      const { QueueUrl = '' } = await connection.sqs.send(new CreateQueueCommand({ QueueName: connection.newName() }));
      return QueueUrl;
    }
    const send = (QueueUrl: string, MessageBody: string) =>
      connection.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
    const receive = async (
      QueueUrl: string,
      options: { VisibilityTimeout?: number; MaxNumberOfMessages?: number } = {},
    ) => (await connection.sqs.send(new ReceiveMessageCommand({ QueueUrl, ...options }))).Messages ?? [];
    const remove = (QueueUrl: string, ReceiptHandle: string | undefined) =>
      connection.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    const numbersOf = async (QueueUrl: string) => {
      const AttributeNames = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
      const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...AttributeNames] });
      const { Attributes = {} } = await connection.sqs.send(command);
      return AttributeNames.map((attribute) => Number(Attributes[attribute]));
    };

    test('keeps a message until it is deleted', async () => {
      const queue = await newQueue();

      const sent = await send(queue, 'ünï "quoted" \u{1f600}\n');
      expect(await numbersOf(queue)).toEqual([1, 0]);
      const [message] = await receive(queue);
      expect(message).toMatchObject({ Body: 'ünï "quoted" \u{1f600}\n', MessageId: sent.MessageId });
      expect(message?.MD5OfBody).toBe(sent.MD5OfMessageBody);
      expect(await numbersOf(queue)).toEqual([0, 1]);
      await remove(queue, message?.ReceiptHandle);
      expect(await numbersOf(queue)).toEqual([0, 0]);
    });

    test('hides a message that was received, and shows it again when it was not deleted in time', async () => {
      const queue = await newQueue();
      await send(queue, 'one');

      expect(await receive(queue, { VisibilityTimeout: 0 })).toHaveLength(1);
      const [again] = await receive(queue);
      expect(again).toMatchObject({ Body: 'one' });
      expect(await receive(queue)).toEqual([]);
    });

    test('shows a message again as soon as requested', async () => {
      const QueueUrl = await newQueue();
      for (const body of ['one', 'two']) await send(QueueUrl, body);
      const received = await receive(QueueUrl, { MaxNumberOfMessages: 10 });
      expect(await receive(QueueUrl)).toEqual([]);
      const Entries = received.map(({ ReceiptHandle }, n) => ({ Id: `${n}`, ReceiptHandle, VisibilityTimeout: 0 }));

      const changed = await connection.sqs.send(
        new ChangeMessageVisibilityBatchCommand({
          QueueUrl,
          Entries: [...Entries, { Id: 'none', ReceiptHandle: 'nonsense', VisibilityTimeout: 0 }],
        }),
      );

      expect(changed.Successful).toEqual([{ Id: '0' }, { Id: '1' }]);
      expect(changed.Failed).toMatchObject([{ Id: 'none', Code: 'ReceiptHandleIsInvalid' }]);
      expect(await receive(QueueUrl, { MaxNumberOfMessages: 10 })).toHaveLength(2);
    });

    test('returns as many messages as requested, at most ten', async () => {
      const queue = await newQueue();
      for (let n = 0; n < 12; n += 1) await send(queue, `${n}`);

      expect(await receive(queue)).toHaveLength(1);
      expect(await receive(queue, { MaxNumberOfMessages: 10 })).toHaveLength(10);
      await expect(receive(queue, { MaxNumberOfMessages: 11 })).rejects.toMatchObject({
        name: 'InvalidParameterValue',
        message:
          'Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.',
      });
    });

    test('deletes nothing by an unknown handle', async () => {
      const queue = await newQueue();
      await send(queue, 'one');

      await expect(remove(queue, 'nonsense')).rejects.toMatchObject({ name: 'ReceiptHandleIsInvalid' });
      expect(await numbersOf(queue)).toEqual([1, 0]);
    });

    test('accepts a message of 1 MiB, and no larger one', async () => {
      const queue = await newQueue();

      await send(queue, 'x'.repeat(LIMIT));
      await expect(send(queue, `${'x'.repeat(LIMIT - 1)}ü`)).rejects.toMatchObject({
        name: 'InvalidParameterValue',
        message: 'One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.',
        $metadata: { httpStatusCode: 400 },
      });
      expect(await numbersOf(queue)).toEqual([1, 0]);
    });

    test.each([
      ['', 'MissingParameter'],
      ['\u0000', 'InvalidMessageContents'],
      ['\ufffe', 'InvalidMessageContents'],
    ])('refuses a message of %j', async (body, code) => {
      await expect(send(await newQueue(), body)).rejects.toMatchObject({ name: code });
    });

    test('finds a queue by its name', async () => {
      const QueueName = connection.newName();
      const { QueueUrl = 'none' } = await connection.sqs.send(new CreateQueueCommand({ QueueName }));

      expect(await connection.sqs.send(new GetQueueUrlCommand({ QueueName }))).toMatchObject({ QueueUrl });
    });

    test('reports for each call that a queue does not exist', async () => {
      const QueueUrl = (await newQueue()).replace(/[^/]+$/, 'no-such-queue');
      const missing = {
        name: 'QueueDoesNotExist',
        message: 'The specified queue does not exist.',
        Code: 'AWS.SimpleQueueService.NonExistentQueue',
        $metadata: { httpStatusCode: 400 },
      };

      await expect(send(QueueUrl, 'x')).rejects.toMatchObject(missing);
      await expect(receive(QueueUrl)).rejects.toMatchObject(missing);
      await expect(remove(QueueUrl, 'x')).rejects.toMatchObject(missing);
      await expect(numbersOf(QueueUrl)).rejects.toMatchObject(missing);
      const command = new GetQueueUrlCommand({ QueueName: 'no-such-queue' });
      await expect(connection.sqs.send(command)).rejects.toMatchObject(missing);
    });
  });

  describe(`${name} as S3`, () => {
    let connection: Connection;
    let put: PutObject;
    beforeAll(async () => {
      connection = await connect();
      put = putObjectTo(connection.bucket);
    });
    afterAll(() => connection[Symbol.asyncDispose]());

    const putObjectTo = (bucket: string) => {
      const { config } = connection.events;
      const endpoint = connection.url;
      return putObjectIn({ bucket, endpoint, identity: config, connection: config, now: () => new Date() });
    };
    const get = (key: string, bucket = connection.bucket) =>
      fetch(`${connection.url}/${bucket}/${encodeURIComponent(key)}`);

    test.each([
      ['an id', 'default/bull:emails/1-0'],
      ['signs of all kinds', "e mails!*'()/ü+%&=?#/\u{1f600}/1-0"],
      ['1,024 bytes', 'x'.repeat(1024)],
    ])('gives back an object under a key of %s', async (_, key) => {
      await put(key, Buffer.from('{"returnvalue":"ü\u{1f600}"}'));

      const response = await get(key);
      expect(response.headers.get('content-type')).toBe('application/json');
      expect(await response.text()).toBe('{"returnvalue":"ü\u{1f600}"}');
    });

    test('replaces an object with the same key', async () => {
      await put('same', Buffer.from('{"n":1}'));
      await put('same', Buffer.from('{"n":2}'));

      expect(await (await get('same')).text()).toBe('{"n":2}');
    });

    test('stores 3 MB', async () => {
      const body = JSON.stringify({ returnvalue: 'x'.repeat(3_000_000) });
      await put('large', Buffer.from(body));

      expect((await (await get('large')).text()) === body).toBe(true);
    });

    test('reports that a bucket does not exist', async () => {
      await expect(putObjectTo('no-such-bucket')('key', Buffer.from('{}'))).rejects.toMatchObject({
        name: 'NoSuchBucket',
        message: 'The specified bucket does not exist',
        $metadata: { httpStatusCode: 404 },
      });
      expect((await get('key', 'no-such-bucket')).status).toBe(404);
    });

    test('reports that an object does not exist', async () => {
      const response = await get('no-such-key');

      expect(response.status).toBe(404);
      expect(await response.text()).toContain('<Code>NoSuchKey</Code>');
    });

    test('refuses a key of more than 1,024 bytes', async () => {
      await expect(put(`${'x'.repeat(1023)}ü`, Buffer.from('{}'))).rejects.toMatchObject({
        name: 'KeyTooLongError',
        $metadata: { httpStatusCode: 400 },
      });
    });
  });
}
