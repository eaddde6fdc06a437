import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import type { Context } from 'aws-lambda';
import { QueueEvents } from 'bullbridge/consumer';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { aBatch, anEvent } from '../../consumer/testing/index.ts';
import { handler } from '../../examples/consumer.ts';
import { createService } from '../../examples/service.ts';
import { createHandler } from '../../examples/sqs-lambda.ts';
import { startBus } from '../../local/bus/server.ts';
import { clientsOf } from '../local/bus/clients.ts';
import { testWith } from '../test-with.ts';
import { idempotencyTable } from './idempotency-table.ts';

const context = { getRemainingTimeInMillis: () => 30_000 } as Context;

test('the function behind a rule logs the job that failed', async () => {
  const print = vi.spyOn(console, 'log').mockImplementation(() => {});
  onTestFinished(() => print.mockRestore());
  const event = anEvent('failed', { jobId: '7', failedReason: 'declined' });

  await handler(event);

  const [line] = print.mock.calls[0] ?? [];
  expect(JSON.parse(line)).toEqual({
    message: 'job failed',
    id: event.detail.id,
    queue: 'emails',
    jobId: '7',
    failedReason: 'declined',
  });
});

describe('the function behind a queue', () => {
  test('charges once for the end of a job that was forwarded, came again, and was recovered', async () => {
    const charged: string[] = [];
    const charge = async (jobId: string) => void charged.push(jobId);
    const handle = createHandler({ charge, idempotencyTable: await idempotencyTable() });
    const queue = 'payments';
    const job = { finishedOn: 1795398834833 };
    const streamed = anEvent('completed', { queue, jobId: '7', streamId: '1795398834834-0', job });
    const recovered = anEvent('completed', {
      ...{ queue, jobId: '7', recovered: true, possibleDuplicate: true, timestamp: job.finishedOn },
    });
    const other = anEvent('completed', { queue, jobId: '7', recovered: true, possibleDuplicate: true, timestamp: 1 });

    for (const event of [streamed, streamed, recovered, other, recovered])
      expect(await handle(aBatch(event), context)).toEqual({ batchItemFailures: [] });

    expect(charged).toEqual(['7', '7']);
  });

  test('returns only the messages that failed, and charges for them when they come again', async () => {
    const charged: string[] = [];
    let isDown = true;
    const charge = async (jobId: string) => {
      if (isDown && jobId === '2') throw new Error('down');
      charged.push(jobId);
    };
    vi.spyOn(console, 'error').mockImplementation(() => {});
    onTestFinished(() => void vi.restoreAllMocks());
    const handle = createHandler({ charge, idempotencyTable: await idempotencyTable() });
    const batch = aBatch(...['1', '2', '3'].map((jobId) => anEvent('completed', { queue: 'payments', jobId })));

    expect(await handle(batch, context)).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-2' }] });
    isDown = false;
    expect(await handle(batch, context)).toEqual({ batchItemFailures: [] });

    expect(charged.sort()).toEqual(['1', '2', '3']);
  });
});

/** An SQS queue with three events. */
async function queueOfEvents() {
  const bus = await startBus({ buses: [], queues: ['events'] });
  onTestFinished(() => bus[Symbol.asyncDispose]());
  const { sqs, destroy } = clientsOf(bus.url);
  onTestFinished(destroy);
  const QueueUrl = bus.queueUrl('events');
  for (const jobId of ['1', '2', '3'])
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(anEvent('completed', { jobId })) }));
  return { bus, sqs, QueueUrl };
}

describe('the service', () => {
  test('receives events from the queue, and leaves failed events in it', async () => {
    const { bus, sqs, QueueUrl } = await queueOfEvents();
    const heard: string[] = [];
    const queueEvents = new QueueEvents('emails');
    queueEvents
      .on('error', () => {})
      .on('completed', async ({ jobId }) => {
        if (jobId === '2') throw new Error('planned');
        heard.push(jobId);
      });
    const service = createService(queueEvents, sqs, QueueUrl);
    const processed = new Promise((resolve) => service.once('response_processed', () => resolve('processed')));

    service.start();
    await processed;
    service.stop({ abort: true });

    expect(heard).toEqual(['1', '3']);
    expect(bus.messages('events').map((body) => JSON.parse(body).detail.jobId)).toEqual(['2']);
  });
});

describe('the consumer in Python', () => {
  const PROGRAM = `
import json, sys
sys.path.insert(0, ${JSON.stringify(fileURLToPath(new URL('../../examples', import.meta.url)))})
sys.dont_write_bytecode = True
from consumer import handler
print(json.dumps(handler(json.load(sys.stdin), None)))`;
  const run = (event: unknown) =>
    execFileSync('python3', ['-c', PROGRAM], { input: JSON.stringify(event), encoding: 'utf8' })
      .trim()
      .split('\n');

  testWith('python')('reads the JSON of events in order, and returns failed messages', () => {
    const batch = aBatch(
      anEvent('failed', { jobId: '1', failedReason: 'declined ü', streamId: '1000-10' }),
      anEvent('completed', { jobId: '2', returnvalue: { ok: true }, streamId: '1000-9' }),
      { ...anEvent('active', { jobId: '3' }), detail: { ...anEvent('active', { jobId: '3' }).detail, version: '2' } },
    );

    expect(run(batch)).toEqual([
      'job 2 of emails returned {"ok": true}',
      'job 1 of emails failed: declined ü',
      expect.stringMatching(/^event default\/bull:emails\/\S+ failed: version 2 is not known$/),
      '{"batchItemFailures": [{"itemIdentifier": "message-3"}]}',
    ]);
  });
});
