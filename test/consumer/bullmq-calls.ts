import * as bullmq6 from 'bullmq';
import * as bullmq4 from 'bullmq4';
import * as bullmq5 from 'bullmq5';
import { inject, onTestFinished } from 'vitest';
import { adminRedis } from '../redis.ts';

// The three versions have the same interface for this test.
export const VERSIONS = [
  ['4', bullmq4 as unknown as typeof bullmq6],
  ['5', bullmq5 as unknown as typeof bullmq6],
  ['6', bullmq6],
] as const;

export const QUEUE = 'emails';
const JOBS = 40;

/** A call of a listener. */
export interface Call {
  readonly name: string;
  readonly parameters: readonly unknown[];
}

/** All events of BullMQ and of these jobs, and some events of single jobs. */
export const NAMES = [
  ...[
    'active',
    'added',
    'cleaned',
    'completed',
    'debounced',
    'deduplicated',
    'delayed',
    'drained',
    'duplicated',
    'failed',
  ],
  ...['paused', 'progress', 'removed', 'resumed', 'retries-exhausted', 'stalled', 'waiting', 'waiting-children'],
  ...['invoice', 'completed:7', 'failed:1', 'invoice:9'],
];

/** The job of a call; events of the whole queue have none. */
function jobOf({ parameters: [args] }: Call): string {
  return (args as { jobId?: string }).jobId ?? 'none';
}

export const byJob = (calls: readonly Call[]) =>
  Object.fromEntries([...Map.groupBy(calls, jobOf)].sort(([a], [b]) => (a < b ? -1 : 1)));

/** Runs real jobs that end in each way, and returns the calls that BullMQ's own `QueueEvents` made of their events. */
export async function runJobs(bullmq: typeof bullmq6, prefix: string): Promise<Call[]> {
  const { hostname: host, port } = new URL(inject('redisUrl'));
  const options = { prefix, connection: { host, port: Number(port), maxRetriesPerRequest: null } };
  const queue = new bullmq.Queue(QUEUE, options);
  onTestFinished(() => queue.close());
  await queue.pause();
  await queue.resume();
  await queue.add('twice', {}, { jobId: 'same' });
  await queue.add('twice', {}, { jobId: 'same' });
  await (await queue.add('removed', {}, { delay: 60_000 })).remove();
  await queue.addBulk(
    Array.from({ length: JOBS }, (_, n) => ({
      name: 'send',
      data: { n },
      opts: { attempts: n % 10 === 0 ? 2 : 1, removeOnComplete: n % 4 === 0, delay: n % 7 === 0 ? 1 : 0 },
    })),
  );
  await work(bullmq, options);
  await queue.clean(0, 10);
  if ('QueueEventsProducer' in bullmq) {
    const producer = new bullmq.QueueEventsProducer(QUEUE, options);
    onTestFinished(() => producer.close());
    await producer.publishEvent({ eventName: 'invoice', jobId: '9', amount: 42, prev: 'x' });
    await producer.publishEvent({ eventName: 'invoice', empty: '' });
  }
  return callsOf(new bullmq.QueueEvents(QUEUE, { ...options, lastEventId: '0-0', autorun: false }), prefix);
}

/** Resolves when all jobs have ended. */
async function work(bullmq: typeof bullmq6, options: bullmq6.WorkerOptions): Promise<void> {
  const worker = new bullmq.Worker(
    QUEUE,
    async (job) => {
      const { n } = job.data;
      if (n % 5 === 0) throw new Error(`declined "${n}"\nü`);
      if (n % 3 === 0) await job.updateProgress(n % 2 ? n : { step: 'half', n: [n] });
      return n % 4 === 0 ? undefined : { sent: n, nested: [1, { x: null }] };
    },
    { ...options, concurrency: 10 },
  );
  onTestFinished(() => worker.close());
  await new Promise<void>((resolve) => {
    let left = JOBS + 1;
    const end = () => {
      left -= 1;
      if (left === 0) resolve();
    };
    worker.on('completed', end);
    worker.on('failed', (job) => job && job.attemptsMade >= (job.opts.attempts ?? 1) && end());
  });
}

/** The calls that `QueueEvents` makes for all entries of the stream. */
async function callsOf(queueEvents: bullmq6.QueueEvents, prefix: string): Promise<Call[]> {
  onTestFinished(() => queueEvents.close());
  const [[last] = ['']] = await adminRedis().xrevrange(`${prefix}:${QUEUE}:events`, '+', '-', 'COUNT', 1);
  const calls: Call[] = [];
  await new Promise<void>((resolve) => {
    for (const name of NAMES) {
      queueEvents.on(name as 'completed', (...parameters: unknown[]) => {
        calls.push({ name, parameters });
        if (parameters.at(-1) === last) resolve();
      });
    }
    queueEvents.run().catch(() => {});
  });
  return calls.map(({ name, parameters: [args, id] }) => {
    // BullMQ 4 writes fractions of milliseconds, which the forwarder leaves out.
    const isFraction = name === 'delayed' && !Number.isInteger((args as { delay: number }).delay);
    const whole = isFraction ? { ...(args as object), delay: Math.trunc((args as { delay: number }).delay) } : args;
    return { name, parameters: id === undefined ? [whole] : [whole, id] };
  });
}
