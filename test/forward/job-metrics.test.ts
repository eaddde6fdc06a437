import * as bullmq6 from 'bullmq';
import * as bullmq4 from 'bullmq4';
import * as bullmq5 from 'bullmq5';
import { describe, expect, inject, test } from 'vitest';
import { metricsOf } from '../embedded-metrics.ts';
import { adminRedis } from '../redis.ts';
import { type TestStack, testStack } from '../stack.ts';

// The three versions have one interface as far as it is used here.
const VERSIONS = [
  ['4', bullmq4 as unknown as typeof bullmq6],
  ['5', bullmq5 as unknown as typeof bullmq6],
  ['6', bullmq6],
] as const;

/** Runs jobs that leave nothing behind; every third one fails. @returns how many ended in each way */
async function work({ Queue, Worker }: typeof bullmq6, prefix: string, name: string, jobs: number) {
  const { hostname: host, port } = new URL(inject('redisUrl'));
  const options = { prefix, connection: { host, port: Number(port), maxRetriesPerRequest: null } };
  const queue = new Queue(name, options);
  const done = Promise.withResolvers<void>();
  const ended = { completed: 0, failed: 0 };
  const end = (outcome: keyof typeof ended) => {
    ended[outcome] += 1;
    if (ended.completed + ended.failed === jobs) done.resolve();
  };
  const worker = new Worker(
    name,
    async ({ data }) => {
      if (data.n % 3 === 0) throw new Error('declined');
    },
    options,
  );
  worker.on('completed', () => end('completed'));
  worker.on('failed', () => end('failed'));
  const gone = { removeOnComplete: true, removeOnFail: true };
  await queue.addBulk(Array.from({ length: jobs }, (_, n) => ({ name: 'job', data: { n }, opts: gone })));
  await done.promise;
  await Promise.all([worker.close(), queue.close()]);
  return ended;
}

/** The sums of the metrics of jobs that a log has, by queue. */
function sumsOf(log: readonly string[]): Record<string, Record<string, number>> {
  const sums: Record<string, Record<string, number>> = {};
  for (const { queue, ...values } of metricsOf(log)) {
    if (typeof queue !== 'string') continue;
    for (const [name, value] of Object.entries(values).filter(([key]) => /^(Job|Queue)[A-Z]/.test(key))) {
      sums[queue] ??= {};
      (sums[queue] as Record<string, number>)[name] = (sums[queue]?.[name] ?? 0) + Number(value);
    }
  }
  return sums;
}

const forwardAll = async (stack: TestStack) => {
  while (!(await stack.forward.invoke({})).caughtUp);
};

describe('metrics of jobs', () => {
  test.each(VERSIONS)('count the events of workers of BullMQ %s, forwarded or not', async (_, version) => {
    const stack = await testStack({
      BULLBRIDGE_JOB_METRICS: 'completed,failed,stalled,drained',
      BULLBRIDGE_EVENTS: 'failed',
      BULLBRIDGE_SWEEP_SIZE: '7',
    });
    const first = await work(version, stack.prefix, 'emails', 40);
    await forwardAll(stack);
    const second = await work(version, stack.prefix, 'emails', 11);
    const other = await work(version, stack.prefix, 'pay ments ü', 9);
    await forwardAll(stack);

    const { emails, ...others } = sumsOf(stack.log);
    expect(emails).toMatchObject({
      JobCompleted: first.completed + second.completed,
      JobFailed: first.failed + second.failed,
    });
    expect(emails?.['QueueDrained']).toBeGreaterThan(0);
    expect(emails).not.toHaveProperty('JobStalled');
    expect(Object.values(others)).toMatchObject([{ JobCompleted: other.completed, JobFailed: other.failed }]);
    expect(Object.keys(others)).toEqual(['pay ments %C3%BC']);
  });

  test('count each event once when a run fails', async () => {
    const stack = await testStack({ BULLBRIDGE_JOB_METRICS: 'completed', BULLBRIDGE_SWEEP_SIZE: '10' });
    const add = (count: number) =>
      Promise.all(
        Array.from({ length: count }, (_, n) =>
          adminRedis().xadd(`${stack.prefix}:q:events`, '*', 'event', 'completed', 'jobId', n, 'returnvalue', '1'),
        ),
      );
    await add(30);
    stack.bus.faults.putEvents = ({ number }) =>
      number > 1 ? { kind: 'error', status: 403, code: 'AccessDeniedException' } : undefined;
    await stack.forward.invoke({}).catch(() => {});
    stack.bus.faults.putEvents = undefined;
    await forwardAll(stack);

    expect(sumsOf(stack.log)).toEqual({ q: { JobCompleted: 30 } });
  });

  test('exist only if configured', async () => {
    const stack = await testStack();
    await work(bullmq6, stack.prefix, 'emails', 3);
    await forwardAll(stack);

    expect(sumsOf(stack.log)).toEqual({});
  });

  test('of unknown events are refused, with the list of events', async () => {
    const stack = await testStack({ BULLBRIDGE_JOB_METRICS: 'completed,complete' });

    await expect(stack.forward.invoke({})).rejects.toThrow(
      /BULLBRIDGE_JOB_METRICS is "completed,complete"; it must be a comma-separated list of added, /,
    );
  });
});
