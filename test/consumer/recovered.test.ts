import { Queue, Worker } from 'bullmq';
import { expect, inject, onTestFinished, test } from 'vitest';
import { idempotencyKey, QueueEvents } from '../../consumer/index.ts';
import { BUS } from '../../local/stack.ts';
import { type TestStack, testStack } from '../stack.ts';

const JOBS = 10;

/** Runs real jobs, half of which fail, and resolves when all have ended. */
async function runJobs({ prefix }: TestStack): Promise<void> {
  const options = { prefix, connection: { url: inject('redisUrl'), maxRetriesPerRequest: null } };
  const queue = new Queue('emails', options);
  const worker = new Worker(
    'emails',
    async ({ data }) => {
      if (data.n % 2 === 0) throw new Error('declined');
    },
    options,
  );
  onTestFinished(async () => {
    await worker.close();
    await queue.close();
  });
  const ended = new Promise<void>((resolve) => {
    let left = JOBS;
    const end = () => {
      left -= 1;
      if (left === 0) resolve();
    };
    worker.on('completed', end).on('failed', end);
  });
  await queue.addBulk(Array.from({ length: JOBS }, (_, n) => ({ name: 'send', data: { n } })));
  await ended;
}

test('the end of a job has the same idempotency key from the stream and recovered', async () => {
  const stack = await testStack({ BULLBRIDGE_JOB_FIELDS: 'finishedOn' });
  const keys: string[] = [];
  const recovered: string[] = [];
  const handled: Promise<unknown>[] = [];
  const events = new QueueEvents('emails').onAny((_, __, { detail }) => {
    (detail.recovered ? recovered : keys).push(idempotencyKey(detail));
  });
  const deliver = (event: Parameters<typeof events.handler>[0]) => void handled.push(events.handler(event));
  stack.bus.subscribe({ bus: BUS, pattern: { source: ['bullmq'] }, deliver });
  await runJobs(stack);

  await stack.forward.invoke();
  const range = {
    queue: 'emails',
    since: new Date(Date.now() - 3_600_000).toISOString(),
    until: new Date().toISOString(),
  };
  expect(await stack.reconcile.invoke(range)).toMatchObject({ completed: JOBS / 2, failed: JOBS / 2 });
  await Promise.all(handled);

  expect(new Set(keys).size).toBe(JOBS);
  expect(recovered.sort()).toEqual(keys.sort());
});
