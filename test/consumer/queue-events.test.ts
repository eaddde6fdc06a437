import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  DeliveryError,
  type EventDetail,
  InvalidEventError,
  QueueEvents,
  type SQSEvent,
} from '../../consumer/index.ts';
import { aBatch, aLoss, anEvent } from '../../consumer/testing/events.ts';

const failuresOf = async (events: QueueEvents, batch: SQSEvent) =>
  (await events.handler(batch)).batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);

/** The calls of a listener, and the errors that were reported. */
function listen(...args: ConstructorParameters<typeof QueueEvents>) {
  const heard: unknown[] = [];
  const errors: Error[] = [];
  const events = new QueueEvents(...args);
  events.on('completed', ({ jobId }) => void heard.push(jobId)).on('error', (error) => void errors.push(error));
  return { events, heard, errors };
}

describe('a function behind a rule', () => {
  test('calls the listeners of an event and of its job with the fields and the id of its entry', async () => {
    const calls: unknown[] = [];
    const events = new QueueEvents('emails');
    events.on('completed', (...call) => void calls.push(call));
    events.on('completed:7' as 'completed', (...call) => void calls.push(['of the job', ...call]));
    events.onAny((name, args, { detail }) => void calls.push([name, args, detail.queue]));

    const { handler } = events;
    await handler(anEvent('completed', { jobId: '7', returnvalue: { ok: true }, prev: 'active', streamId: '5-1' }));

    const args = { jobId: '7', returnvalue: { ok: true }, prev: 'active' };
    expect(calls).toEqual([
      [args, '5-1'],
      ['of the job', args, '5-1'],
      ['completed', args, 'emails'],
    ]);
  });

  test('waits for the promises of all listeners, and rejects with the event if a listener failed', async () => {
    const events = new QueueEvents('emails');
    const cause = new Error('no connection');
    const done: string[] = [];
    events.on('failed', () => Promise.reject(cause));
    events.on('failed', async () => {
      await new Promise(setImmediate);
      done.push('the other one');
    });
    const event = anEvent('failed', { jobId: '7' });

    const error = await events.handler(event).catch((reason: unknown) => reason);

    expect(error).toBeInstanceOf(DeliveryError);
    expect(error).toMatchObject({ id: event.detail.id, queue: 'emails', jobId: '7', cause });
    expect(String(error)).toBe(`DeliveryError: The event ${event.detail.id} was not handled: Error: no connection`);
    expect(done).toEqual(['the other one']);
  });

  test('handles several events, and rejects with all errors', async () => {
    const { events, heard } = listen('emails');
    events.on('failed', ({ jobId }) => {
      throw new Error(`of ${jobId}`);
    });

    const call = events.handler([
      anEvent('failed', { jobId: '1' }),
      anEvent('failed', { jobId: '2' }),
      anEvent('completed', { jobId: '3' }),
    ]);

    await expect(call).rejects.toMatchObject({ errors: [{ jobId: '1' }, { jobId: '2' }] });
    expect(heard).toEqual(['3']);
  });

  test('does nothing with an event that has no listener', async () => {
    expect(await new QueueEvents('emails').handler(anEvent('active'))).toBeUndefined();
  });
});

describe('a function behind an SQS queue', () => {
  test('returns a message whose listener failed and the later messages of its job, and handles all others', async () => {
    const { events, heard, errors } = listen('emails');
    events.on('active', ({ jobId }) => {
      if (jobId === '1') throw new Error('planned');
    });
    const batch = aBatch(
      anEvent('completed', { jobId: '1', streamId: '9-10' }),
      anEvent('completed', { jobId: '2', streamId: '9-1' }),
      anEvent('active', { jobId: '1', streamId: '9-9' }),
      anEvent('active', { jobId: '2', streamId: '8-99' }),
    );

    expect(await failuresOf(events, batch)).toEqual(['message-3', 'message-1']);
    expect(heard).toEqual(['2']);
    expect(errors).toMatchObject([{ name: 'DeliveryError', jobId: '1', cause: { message: 'planned' } }]);
  });

  test('prints the error of a listener if there is no listener of errors', async () => {
    const print = vi.spyOn(console, 'error').mockImplementation(() => {});
    onTestFinished(() => print.mockRestore());
    const events = new QueueEvents('emails').on('completed', () => Promise.reject(new Error('planned')));

    expect(await failuresOf(events, aBatch(anEvent('completed')))).toEqual(['message-1']);

    expect(print).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ name: 'DeliveryError' }));
  });

  test.each([
    ['job', ['message-1', 'message-2']],
    ['queue', ['message-1', 'message-2', 'message-3']],
    ['none', ['message-1']],
  ] as const)('with the order "%s" holds back %j when the first one fails', async (order, failed) => {
    const events = new QueueEvents('*', { order }).on('added', () => Promise.reject(new Error('planned')));
    events.on('error', () => {});
    const batch = aBatch(
      anEvent('added', { jobId: '1' }),
      anEvent('active', { jobId: '1' }),
      anEvent('active', { jobId: '2' }),
      anEvent('active', { jobId: '1', queue: 'payments' }),
      anEvent('active', { jobId: '1', prefix: 'other' }),
      anEvent('active', { jobId: '1', sourceName: 'other' }),
    );

    expect(await failuresOf(events, batch)).toEqual(failed);
  });

  test('handles an event in two messages once, and returns both messages if it fails', async () => {
    const { events, heard } = listen('emails');
    events.on('failed', () => Promise.reject(new Error('planned')));
    const [twice, failing] = [anEvent('completed', { jobId: '1' }), anEvent('failed', { jobId: '2' })];

    expect(await failuresOf(events, aBatch(twice, failing, twice, failing))).toEqual(['message-2', 'message-4']);
    expect(heard).toEqual(['1']);
  });

  test('keeps the order of a message group of a FIFO queue, also after a message that is not an event', async () => {
    const { events, heard } = listen('emails');
    const batch = aBatch(
      anEvent('completed', { jobId: '2', streamId: '9-0' }),
      anEvent('completed', { jobId: '2', streamId: '8-0' }),
      'not an event',
      anEvent('completed', { jobId: '3' }),
      anEvent('completed', { jobId: '4' }),
    );
    const Records = batch.Records.map((record, i) => ({
      ...record,
      eventSourceARN: `${record.eventSourceARN}.fifo`,
      attributes: { ...record.attributes, MessageGroupId: i === 4 ? 'b' : 'a' },
    }));

    expect(await failuresOf(events, { Records })).toEqual(['message-3', 'message-4']);
    expect(heard).toEqual(['2', '4', '2']);
  });

  test('ignores the message groups of other queues', async () => {
    const { events, heard } = listen('emails');
    const Records = aBatch('not an event', anEvent('completed')).Records.map((record) => ({
      ...record,
      attributes: { ...record.attributes, MessageGroupId: 'tenant' },
    }));

    expect(await failuresOf(events, { Records })).toEqual(['message-1']);
    expect(heard).toEqual(['1']);
  });

  test('handles as many events at the same time as allowed', async () => {
    const events = new QueueEvents('emails', { concurrency: 2 });
    let [running, most] = [0, 0];
    events.on('completed', async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise(setImmediate);
      running -= 1;
    });

    await events.handler(aBatch(...Array.from({ length: 10 }, (_, n) => anEvent('completed', { jobId: `${n}` }))));

    expect(most).toBe(2);
  });
});

describe('a listener that is called once', () => {
  test('gets the first event, and gets it again if it failed', async () => {
    const events = new QueueEvents('emails');
    const heard: string[] = [];
    events.once('completed', async ({ jobId }) => {
      heard.push(jobId);
      if (heard.length === 1) throw new Error('planned');
    });
    const [first, second] = [anEvent('completed', { jobId: '1' }), anEvent('completed', { jobId: '2' })];

    await expect(events.handler(first)).rejects.toThrow('planned');
    await events.handler(first);
    await events.handler(second);

    expect(heard).toEqual(['1', '1']);
  });
});

describe('the arguments of listeners', () => {
  const callOf = async (event: ReturnType<typeof anEvent>) => {
    const calls: unknown[][] = [];
    const events = new QueueEvents('emails').on(event.detail.event as 'completed', (...call) => void calls.push(call));
    await events.handler(event);
    return calls;
  };

  test.each([
    ['cleaned', { count: 2 }, [{ count: '2' }, '5-1']],
    ['retries-exhausted', { attemptsMade: 3 }, [{ jobId: '1', attemptsMade: '3' }, '5-1']],
    ['completed', { returnvalue: 5 }, [{ jobId: '1', returnvalue: 5 }, '5-1']],
    ['completed', { returnvalue: null }, [{ jobId: '1', returnvalue: null }, '5-1']],
    ['delayed', { delay: 1795398834886 }, [{ jobId: '1', delay: 1795398834886 }, '5-1']],
    ['drained', {}, ['5-1']],
    ['paused', {}, [{}, '5-1']],
    ['completed', { fields: { extra: 'x' }, unparsed: ['returnvalue'] }, [{ jobId: '1', extra: 'x' }, '5-1']],
    [
      'invoice',
      { fields: { amount: '42', id: 'x', count: '1' } },
      [{ jobId: '1', amount: '42', id: 'x', count: '1' }, '5-1'],
    ],
    ['constructor', {}, [{ jobId: '1' }, '5-1']],
  ] as const)('of %s with %j are %j', async (name, fields, expected) => {
    expect(await callOf(anEvent(name, { streamId: '5-1', ...fields }))).toEqual([expected]);
  });

  test('have no field of the envelope', async () => {
    const envelope: Required<Omit<EventDetail, 'event' | 'claimCheck'>> = {
      ...anEvent('completed').detail,
      jobId: '7',
      streamId: '5-1',
      sequence: 1,
      recovered: true,
      possibleDuplicate: true,
      fields: {},
      repeated: {},
      unparsed: [],
      job: { name: 'send' },
      omitted: [],
      truncated: [],
    };

    expect(await callOf(anEvent('completed', envelope))).toEqual([[{ jobId: '7' }, '5-1']]);
  });

  test('have detail.id if the event was recovered', async () => {
    const event = anEvent('completed', { recovered: true, jobId: '7', timestamp: 1795398834833 });

    expect(await callOf(event)).toEqual([[{ jobId: '7' }, 'default/bull:emails/7/completed/1795398834833']]);
  });
});

describe('recovered events', () => {
  const certain = anEvent('completed', { jobId: 'certain', recovered: true });
  const uncertain = anEvent('completed', { jobId: 'uncertain', recovered: true, possibleDuplicate: true });

  test.each([
    ['deliver', ['certain', 'uncertain']],
    ['certain', ['certain']],
    ['skip', []],
  ] as const)('with the option "%s": %j', async (recovered, expected) => {
    const { events, heard } = listen('emails', { recovered });

    await events.handler([certain, uncertain]);

    expect(heard).toEqual(expected);
  });
});

describe('Events Lost', () => {
  test('is passed to listeners of losses only, and comes again if a listener fails', async () => {
    const { events, heard } = listen('emails');
    const losses: unknown[] = [];
    events.onLoss(async (loss) => {
      losses.push(loss);
      if (losses.length === 1) throw new Error('planned');
    });
    const batch = aBatch(aLoss({ lost: 3 }), anEvent('completed'));

    expect(await failuresOf(events, batch)).toEqual(['message-1']);
    expect(await failuresOf(events, batch)).toEqual([]);

    expect(losses).toMatchObject([{ lost: 3 }, { lost: 3, reason: 'trimmed' }]);
    expect(heard).toEqual(['1', '1']);
  });

  test('is printed as a warning without a listener', async () => {
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    const loss = aLoss();

    await new QueueEvents('emails').handler(loss);

    expect((await warned).message).toBe(`Events are lost: ${loss.detail.id}. Listen with onLoss.`);
  });

  test('does not hold back other events if its listener fails, and is not held back by them', async () => {
    const { events, heard } = listen('emails', { order: 'queue' });
    events.onLoss(() => Promise.reject(new Error('planned')));
    const batch = aBatch(
      anEvent('completed', { jobId: '2', streamId: '9-0' }),
      aLoss(),
      anEvent('completed', { jobId: '3', recovered: true, timestamp: 8 }),
      aLoss({ afterId: '1-0' }),
      anEvent('completed', { jobId: '1', streamId: '7-0' }),
    );

    expect(await failuresOf(events, batch)).toEqual(['message-2', 'message-4']);
    expect(heard).toEqual(['1', '3', '2']);
  });

  test('needs no listener for Events Recovered', async () => {
    const event = { ...aLoss(), 'detail-type': 'Events Recovered' };

    expect(await new QueueEvents('emails').handler(event)).toBeUndefined();
  });
});

describe('a claim check', () => {
  const event = anEvent('completed', { claimCheck: { bucket: 'b', key: 'k', fields: ['returnvalue'], bytes: 9 } });

  test('is resolved by readPayload', async () => {
    const calls: unknown[] = [];
    const events = new QueueEvents('emails', { readPayload: async (detail) => ({ ...detail, returnvalue: 'large' }) });
    events.on('completed', ({ returnvalue }) => void calls.push(returnvalue));
    events.onAny((_, args, { detail }) => void calls.push(args['returnvalue'], detail['returnvalue']));

    await events.handler(event);

    expect(calls).toEqual(['large', 'large', 'large']);
  });

  test('is an error without readPayload, unless the event has no listener', async () => {
    await expect(listen('emails').events.handler(event)).rejects.toThrow(
      'returnvalue is in the bucket b: give QueueEvents a readPayload.',
    );
    expect(await new QueueEvents('emails').handler(event)).toBeUndefined();
  });
});

describe('a message that is not an event of the queue', () => {
  const event = anEvent('completed', { jobId: '7' });
  const bodyOf = (value: unknown) => JSON.stringify(value);
  const notification = { Type: 'Notification', MessageId: 'm', Message: bodyOf(event) };

  test.each([
    ['not JSON', 'secret 7', 'A message of 8 characters is not JSON; it must be an event of EventBridge.'],
    ['empty', '', 'A message of 0 characters is not JSON; it must be an event of EventBridge.'],
    [
      'null',
      'null',
      'An event has the source undefined; it must be "bullmq" or "bullbridge". Narrow the event pattern',
    ],
    ['a number', '7', 'An event has the source undefined;'],
    ['a list', bodyOf([event]), 'An event has the source undefined;'],
    ['only a detail', bodyOf(event.detail), 'send whole events, without an input transformer.'],
    ['of another source', bodyOf({ ...event, source: 'aws.s3' }), 'An event has the source "aws.s3"; it must be'],
    [
      'a notification without an event',
      bodyOf({ ...notification, Message: 'hello' }),
      'A message of 5 characters is not JSON',
    ],
    [
      'of another queue',
      bodyOf(anEvent('completed', { queue: 'x' })),
      'has the queue "x", but this QueueEvents is for "emails". Narrow',
    ],
    [
      'of another prefix',
      bodyOf(anEvent('completed', { prefix: 'x' })),
      'has the prefix "x", but this QueueEvents is for "bull".',
    ],
    ['of another source name', bodyOf(anEvent('completed', { sourceName: 'x' })), 'has the sourceName "x", but this'],
    [
      'a loss of another queue',
      bodyOf(aLoss({ queue: 'x' })),
      'has the queue "x", but this QueueEvents is for "emails".',
    ],
    [
      'of another version',
      bodyOf({ ...event, detail: { ...event.detail, version: '2' } }),
      '"version":"2"} is not of version "1": install the release of bullbridge that is deployed.',
    ],
    ['without a detail', bodyOf({ ...event, detail: null }), 'The event {} is not of version "1"'],
    [
      'without an id',
      bodyOf({ ...event, detail: { ...event.detail, id: undefined } }),
      'The event {"sourceName":"default",',
    ],
  ])('is an error that names it, and comes again: %s', async (_, body, message) => {
    const { events, heard, errors } = listen('emails', { prefix: 'bull', sourceName: 'default' });

    expect(await failuresOf(events, aBatch(body, event))).toEqual(['message-1']);
    await expect(events.handleMessage({ Body: body })).rejects.toThrow(message);

    expect(heard).toEqual(['7']);
    expect(errors).toEqual([expect.any(InvalidEventError)]);
    expect(errors[0]?.message).toContain(message);
    expect(errors[0]?.message).not.toContain('secret');
  });

  test('is not a notification of SNS with an event', async () => {
    const { events, heard } = listen('emails');

    await events.handleMessage({ Body: bodyOf(notification) });

    expect(heard).toEqual(['7']);
  });

  test('is a record of another service, or no input', async () => {
    const { events, errors } = listen('emails');

    const Records = [{ EventSource: 'aws:sns', Sns: {} }, null] as never;
    expect(await events.handler({ Records })).toMatchObject({ batchItemFailures: expect.any(Array) });
    expect(errors).toMatchObject([{ name: 'InvalidEventError' }, { name: 'InvalidEventError' }]);
    for (const nothing of [undefined, null, 'text', 7])
      await expect(events.handler(nothing as never)).rejects.toThrow(InvalidEventError);
    await expect(events.handleMessage({})).rejects.toThrow(InvalidEventError);
  });
});

describe('options', () => {
  test.each([
    [['', {}], 'queue of QueueEvents is ""; it must be the name of a queue, or "*" for all'],
    [[undefined as never, {}], 'queue of QueueEvents is undefined;'],
    [['q', { order: 'jobs' }], 'order of QueueEvents is "jobs"; it must be job, queue, none'],
    [['q', { recovered: true }], 'recovered of QueueEvents is true; it must be deliver, certain, skip'],
    [['q', { concurrency: 0 }], 'concurrency of QueueEvents is 0; it must be a number of 1 or more'],
    [['q', { concurrency: Number.NaN }], 'concurrency of QueueEvents is null; it must be'],
  ])('%j are refused', (args, message) => {
    expect(() => new QueueEvents(...(args as unknown as [string]))).toThrow(message);
  });

  test('of BullMQ are accepted, and its methods exist', async () => {
    const events = new QueueEvents('emails', { connection: { host: 'redis' }, lastEventId: '0-0', autorun: false });

    await events.waitUntilReady();
    await events.run();
    await events.close();

    expect(events.listenerCount('completed')).toBe(0);
  });
});
