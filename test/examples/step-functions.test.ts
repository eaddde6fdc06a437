import { Queue, Worker } from 'bullmq';
import { expect, inject, onTestFinished, test } from 'vitest';
import { aBatch } from '../../consumer/testing/index.ts';
import { createHandler } from '../../examples/step-functions.ts';
import type { BusEvent } from '../../local/bus/event-buses.ts';
import { BUS } from '../../local/stack.ts';
import { testStack } from '../stack.ts';

const QUEUE = 'reports';

/** Runs a job for each token; jobs with the token `no` fail. */
async function runJobs(prefix: string, tokens: readonly string[]): Promise<void> {
  const options = { prefix, connection: { url: inject('redisUrl'), maxRetriesPerRequest: null } };
  const queue = new Queue(QUEUE, options);
  onTestFinished(() => queue.close());
  const worker = new Worker(
    QUEUE,
    async ({ data }) => {
      if (data.taskToken === 'no') throw new Error('no data');
      return { pages: 3 };
    },
    options,
  );
  onTestFinished(() => worker.close());
  const ended = new Promise<void>((resolve) => {
    let left = tokens.length + 1;
    const end = () => {
      left -= 1;
      if (left === 0) resolve();
    };
    worker.on('completed', end).on('failed', end);
  });
  await queue.addBulk([
    ...tokens.map((taskToken) => ({ name: 'report', data: { taskToken } })),
    { name: 'other', data: {} },
  ]);
  await ended;
}

test('the state machine continues when the job of its token has ended, and ignores events that are delivered twice', async () => {
  const stack = await testStack({ BULLBRIDGE_JOB_FIELDS: 'data.taskToken' });
  const events: BusEvent[] = [];
  stack.bus.subscribe({ bus: BUS, pattern: { source: ['bullmq'] }, deliver: (event) => events.push(event) });
  const answers: unknown[] = [];
  const waiting = new Set(['yes', 'no']);
  const answer = async (input: { taskToken: string }) => {
    if (!waiting.delete(input.taskToken)) throw Object.assign(new Error('gone'), { name: 'TaskTimedOut' });
    answers.push(input);
  };
  const handle = createHandler({ sendTaskSuccess: answer, sendTaskFailure: answer }, QUEUE);

  await runJobs(stack.prefix, ['yes', 'no']);
  await stack.forward.invoke();

  expect(events).toHaveLength(3);
  for (let time = 0; time < 2; time += 1) expect(await handle(aBatch(...events))).toEqual({ batchItemFailures: [] });
  expect(answers).toEqual([
    { taskToken: 'yes', output: '{"pages":3}' },
    { taskToken: 'no', error: 'JobFailed', cause: 'no data' },
  ]);
});
