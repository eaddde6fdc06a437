import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Fault } from '../../local/bus/faults.ts';
import { DEAD_LETTERS, PAYLOADS } from '../../local/stack.ts';
import { clientsOf } from '../local/bus/clients.ts';
import { adminRedis } from '../redis.ts';
import { rejection } from '../rejection.ts';
import { testStack } from '../stack.ts';
import { withName } from '../titles.ts';

/** The built functions, and ways to park and to look at what is parked. */
async function world(environment: Readonly<Record<string, string>> = {}) {
  const stack = await testStack(environment);
  const { sqs, destroy } = clientsOf(stack.bus.url);
  onTestFinished(destroy);
  const redrive = stack.start('redrive');
  const QueueUrl = stack.bus.queueUrl(DEAD_LETTERS);
  const send = (MessageBody: string) => sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));

  /** Lets the forwarder park so many events of a queue. */
  async function park(queue: string, count: number, errorCode = 'InvalidArgument', returnvalue = 'ü'): Promise<void> {
    const pipeline = adminRedis().pipeline();
    const fields = ['event', 'completed', 'jobId', '1', 'returnvalue', JSON.stringify(returnvalue)];
    pipeline.hset(`${stack.prefix}:${queue}:meta`, 'opts.maxLenEvents', 10_000);
    for (let n = 0; n < count; n += 1) pipeline.xadd(`${stack.prefix}:${queue}:events`, '*', ...fields);
    await pipeline.exec();
    stack.bus.faults.putEvents = refusing(errorCode);
    expect(await stack.forward.invoke({})).toMatchObject({ parked: count });
    stack.bus.faults.putEvents = undefined;
  }
  const parked = () => stack.bus.messages(DEAD_LETTERS).map((body) => JSON.parse(body));
  const arrived = () => stack.bus.accepted.map(({ detail }) => detail);
  const ids = () => parked().map(({ entry }) => JSON.parse(entry.Detail).id);
  return { ...stack, redrive, send, park, parked, arrived, ids };
}

/** Every entry of every request is refused. */
const refusing = (code: string) => (): Fault => ({
  kind: 'entries',
  codes: Object.fromEntries(Array.from({ length: 10 }, (_, n) => [n, code])),
});

const parkedEntry = (n: number, changes: object = {}) => ({
  entry: {
    Source: 'bullmq',
    DetailType: 'Job Completed',
    Time: '2026-11-01T12:00:00.123Z',
    Detail: JSON.stringify({ id: `${n}`, queue: 'emails' }),
    EventBusName: 'bullbridge',
  },
  errorCode: 'MalformedDetail',
  errorMessage: 'Detail is malformed.',
  parkedAt: `2026-11-0${n}T12:00:00.000Z`,
  attempts: 1,
  ...changes,
});

describe('dead letters', () => {
  test('are delivered unchanged, and leave the queue empty', async () => {
    const { redrive, park, parked, arrived, bus } = await world();
    await park('emails', 3);
    const entries = parked().map(({ entry }) => entry);

    expect(await redrive.invoke({})).toEqual({ redriven: 3, failed: 0, left: 0 });

    expect(bus.messages(DEAD_LETTERS)).toEqual([]);
    expect(arrived()).toEqual(entries.map(({ Detail }) => JSON.parse(Detail)));
    expect(bus.accepted.map(({ DetailType, Source, Time }) => ({ DetailType, Source, Time }))).toEqual(
      entries.map(({ DetailType, Source, Time }) => ({ DetailType, Source, Time: Date.parse(Time) / 1000 })),
    );
  });

  test('of many runs are all sent, ten at a time', async () => {
    const { redrive, park, bus, arrived } = await world();
    await park('emails', 305);
    const requests = bus.requests.length;

    expect(await redrive.invoke({})).toEqual({ redriven: 305, failed: 0, left: 0 });

    expect(new Set(arrived().map(({ id }) => id)).size).toBe(305);
    expect(bus.requests.length - requests).toBe(31);
    expect(await redrive.invoke({})).toEqual({ redriven: 0, failed: 0, left: 0 });
  });

  test('with a claim check still point to their object', async () => {
    const { redrive, park, bus, arrived } = await world();
    const returnvalue = 'x'.repeat(3_000_000);
    await park('emails', 1, 'InvalidArgument', returnvalue);

    expect(await redrive.invoke({})).toEqual({ redriven: 1, failed: 0, left: 0 });

    const [[key, object] = []] = bus.objects(PAYLOADS);
    expect(arrived()).toMatchObject([{ id: key, claimCheck: { bucket: PAYLOADS, key, fields: ['returnvalue'] } }]);
    expect(JSON.parse(object ?? '')).toEqual({ returnvalue });
  });
});

describe('a dry run', () => {
  test('counts the dead letters that would be sent, and changes nothing', async () => {
    const { redrive, park, bus, arrived } = await world();
    await park('emails', 12);
    await park('images', 3);
    const before = bus.messages(DEAD_LETTERS);

    expect(await redrive.invoke({ dryRun: true, queue: 'emails' })).toMatchObject({ redriven: 12, failed: 0, left: 3 });

    expect(bus.messages(DEAD_LETTERS)).toEqual(before);
    expect(arrived()).toEqual([]);
    // All of them can be received again at once.
    expect(await redrive.invoke({})).toEqual({ redriven: 15, failed: 0, left: 0 });
  });
});

describe('a selection', () => {
  test('by queue and by error code leaves the other dead letters in the queue', async () => {
    const { redrive, park, arrived, ids } = await world();
    await park('emails', 2);
    await park('images', 2);
    await park('emails', 1, 'MalformedDetail');
    const all = ids();

    expect(await redrive.invoke({ queue: 'emails', errorCode: 'InvalidArgument' })).toEqual({
      redriven: 2,
      failed: 0,
      left: 3,
    });

    expect(arrived().map(({ id }) => id)).toEqual(all.slice(0, 2));
    expect(ids()).toEqual(all.slice(2));
  });

  test.each(['2026-11-02T13:00:00+01:00', '2026-11-02T12:00:00.000Z', Date.parse('2026-11-02T12:00:00Z')])(
    'of events parked before %s sends these events',
    async (olderThan) => {
      const { redrive, send, arrived } = await world();
      for (const n of [1, 2, 3]) await send(JSON.stringify(parkedEntry(n)));

      expect(await redrive.invoke({ olderThan })).toEqual({ redriven: 1, failed: 0, left: 2 });
      expect(arrived()).toMatchObject([{ id: '1' }]);
    },
  );

  test('of a number of dead letters sends no more', async () => {
    const { redrive, park, arrived } = await world();
    await park('emails', 25);

    expect(await redrive.invoke({ max: 12 })).toEqual({ redriven: 12, failed: 0, left: 13 });
    expect(arrived()).toHaveLength(12);
    expect(await redrive.invoke({ max: 20 })).toEqual({ redriven: 13, failed: 0, left: 0 });
  });

  test.each(
    withName(
      [{ queues: 'emails' }],
      [{ dryrun: true }],
      [{ max: 0 }],
      [{ max: 1.5 }],
      [{ olderThan: 'yesterday' }],
      [{ olderThan: '2026-11-02T12:00:00' }],
      [{ olderThan: '2026-13-02' }],
      [{ queue: '' }],
      ['all'],
    ),
  )('of %s is refused', async (_, payload) => {
    const { redrive, send, arrived } = await world();
    await send(JSON.stringify(parkedEntry(1)));

    expect(await rejection(redrive.invoke(payload))).toMatchObject({
      name: 'ConfigError',
      message: expect.stringContaining(`the payload is ${JSON.stringify(payload)}; it must be nothing, or some of`),
    });
    expect(arrived()).toEqual([]);
  });
});

describe('an event that fails again', () => {
  test('returns to the queue with its history, and is not sent again in the same run', async () => {
    const { redrive, send, parked, bus } = await world();
    await send(JSON.stringify(parkedEntry(1)));
    await send(JSON.stringify(parkedEntry(2)));
    bus.faults.putEvents = () => ({ kind: 'entries', codes: { 0: 'InvalidArgument' } });
    const { entry, errorCode, errorMessage, parkedAt } = parkedEntry(1);

    expect(await redrive.invoke({})).toEqual({ redriven: 1, failed: 1, left: 1 });
    const [once] = parked();
    expect(parked()).toEqual([
      {
        entry,
        errorCode: 'InvalidArgument',
        errorMessage: 'planned',
        parkedAt,
        attempts: 2,
        failedAt: expect.stringMatching(/^\d{4}-.*Z$/),
        history: [{ errorCode, errorMessage, attempts: 1, failedAt: parkedAt }],
      },
    ]);

    expect(await redrive.invoke({})).toEqual({ redriven: 0, failed: 1, left: 1 });
    const { errorCode: code, errorMessage: message, attempts, failedAt } = once;
    expect(parked()).toMatchObject([
      {
        entry,
        parkedAt,
        attempts: 3,
        history: [...once.history, { errorCode: code, errorMessage: message, attempts, failedAt }],
      },
    ]);

    bus.faults.putEvents = undefined;
    expect(await redrive.invoke({})).toEqual({ redriven: 1, failed: 0, left: 0 });
    expect(parked()).toEqual([]);
  });

  test('stays where it is while the queue refuses it', async () => {
    const { redrive, send, bus } = await world();
    await send(JSON.stringify(parkedEntry(1)));
    const before = bus.messages(DEAD_LETTERS);
    bus.faults.putEvents = refusing('InvalidArgument');
    bus.faults.sendMessage = () => ({ kind: 'error', status: 403, code: 'AccessDenied' });

    expect(await rejection(redrive.invoke({}))).toMatchObject({ name: 'ParkingError' });

    expect(bus.messages(DEAD_LETTERS)).toEqual(before);
    bus.faults.putEvents = undefined;
    expect(await redrive.invoke({})).toEqual({ redriven: 1, failed: 0, left: 0 });
  });
});

describe('a message that is not a dead letter of bullbridge', () => {
  test.each([
    ['no JSON', 'no JSON'],
    ['a list', '[]'],
    ['an empty entry', '{"entry":{}}'],
    [
      'a detail that is no object',
      JSON.stringify(parkedEntry(1, { entry: { ...parkedEntry(1).entry, Detail: '[]' } })),
    ],
    ['a time that is none', JSON.stringify(parkedEntry(1, { entry: { ...parkedEntry(1).entry, Time: 'then' } }))],
    ['a time of parking that is none', JSON.stringify(parkedEntry(1, { parkedAt: 'then' }))],
  ])('stays in the queue: %s', async (_, body) => {
    const { redrive, send, bus, arrived } = await world();
    await send(body);
    await send(JSON.stringify(parkedEntry(2)));

    expect(await redrive.invoke({})).toEqual({ redriven: 1, failed: 0, left: 1 });

    expect(bus.messages(DEAD_LETTERS)).toEqual([body]);
    expect(arrived()).toMatchObject([{ id: '2' }]);
  });
});

describe('no dead letter is lost, and all are visible again, when', () => {
  const goesOn = async ({ redrive, parked }: Awaited<ReturnType<typeof world>>, count: number) => {
    expect(await redrive.invoke({})).toEqual({ redriven: count, failed: 0, left: 0 });
    expect(parked()).toEqual([]);
  };

  test.each(['AccessDeniedException', 'NotAuthorizedForSourceException'])('the bus denies it (%s)', async (code) => {
    const all = await world();
    const { redrive, park, parked, bus } = all;
    await park('emails', 14);
    bus.faults.putEvents = refusing(code);

    expect(await rejection(redrive.invoke({}))).toMatchObject({
      name: 'BusError',
      message: expect.stringContaining('grant events:PutEvents'),
    });

    expect(parked()).toHaveLength(14);
    bus.faults.putEvents = undefined;
    await goesOn(all, 14);
  });

  test('the bus does not exist', async () => {
    const all = await world();
    await all.park('emails', 2);

    const other = all.start('redrive', { EVENT_BUS_NAME: 'no-such-bus' });
    expect(await rejection(other.invoke({}))).toMatchObject({ name: 'BusError' });

    await goesOn(all, 2);
  });

  test('the queue does not allow receiving', async () => {
    const all = await world();
    await all.park('emails', 2);
    all.bus.faults.receiveMessage = () => ({ kind: 'error', status: 403, code: 'AccessDenied' });

    expect(await rejection(all.redrive.invoke({}))).toMatchObject({
      name: 'QueueError',
      message: expect.stringContaining('AccessDenied: planned. Nothing is skipped: grant sqs:ReceiveMessage'),
    });

    all.bus.faults.receiveMessage = undefined;
    await goesOn(all, 2);
  });

  test('the queue does not exist', async () => {
    const { start, bus } = await world();
    const other = start('redrive', { DEAD_LETTER_QUEUE_URL: bus.queueUrl('no-such-queue') });

    expect(await rejection(other.invoke({}))).toMatchObject({
      name: 'QueueError',
      message: expect.stringContaining('set DEAD_LETTER_QUEUE_URL to one that exists'),
    });
  });

  test('the queue does not allow deleting: accepted events come twice, with the same id', async () => {
    const all = await world();
    await all.park('emails', 2);
    all.bus.faults.deleteMessage = () => ({ kind: 'error', status: 403, code: 'AccessDenied' });

    expect(await rejection(all.redrive.invoke({}))).toMatchObject({ name: 'QueueError' });

    all.bus.faults.deleteMessage = undefined;
    await goesOn(all, 2);
    expect(all.arrived()).toHaveLength(4);
    expect(new Set(all.arrived().map(({ id }) => id)).size).toBe(2);
  });
});
