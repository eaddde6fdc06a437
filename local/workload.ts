import { setTimeout } from 'node:timers/promises';
import { type Job, Queue, UnrecoverableError, Worker } from 'bullmq';

/** Real queues with real workers: jobs that succeed, report progress, are tried again, and fail. */
export interface Workload extends AsyncDisposable {
  readonly queues: readonly string[];
  /** Jobs added so far. */
  added(): number;
  /** Jobs completed or failed so far, as the workers saw it. */
  finished(): number;
  /** Adds jobs one by one until all are added or told to stop, and resolves when each added job has finished. */
  run(jobs: number, signal: AbortSignal): Promise<void>;
}

type Processor = (job: Job) => Promise<unknown>;

const PROCESSORS: Readonly<Record<string, Processor>> = {
  emails: async ({ data }) => ({ delivered: true, to: data.to }),
  payments: async ({ attemptsMade, data }) => {
    if (data.number % 7 === 3) throw new UnrecoverableError('card declined');
    if (data.number % 4 === 1 && attemptsMade === 0) throw new Error('gateway timeout');
    return { paid: data.number * 100 };
  },
  reports: async (job) => {
    for (const percent of [50, 100]) await job.updateProgress(percent);
    return { pages: (job.data.number % 9) + 1 };
  },
};

/** Time between two jobs, in milliseconds, so that they can be watched. */
const PACE = 60;

export async function startWorkload(url: string, prefix: string): Promise<Workload> {
  const options = { connection: { url, maxRetriesPerRequest: null }, prefix };
  const names = Object.keys(PROCESSORS);
  const queues = names.map((name) => new Queue(name, options));
  let added = 0;
  let finished = 0;
  let allFinished = () => {};
  const countJob = () => {
    finished += 1;
    if (finished === added) allFinished();
  };
  const workers = names.map((name) => {
    const worker = new Worker(name, PROCESSORS[name] ?? null, { ...options, concurrency: 4 });
    worker.on('completed', countJob);
    worker.on('failed', (job, error) => {
      if (!job || job.attemptsMade >= (job.opts.attempts ?? 1) || error instanceof UnrecoverableError) countJob();
    });
    worker.on('error', () => {});
    return worker;
  });
  await Promise.all([...queues, ...workers].map((part) => part.waitUntilReady()));

  return {
    queues: names,
    added: () => added,
    finished: () => finished,
    async run(jobs, signal) {
      for (let number = 1; number <= jobs && !signal.aborted; number += 1) {
        const queue = queues[number % queues.length] as Queue;
        added += 1;
        await queue.add(
          'demo',
          { number, to: `user${number}@example.com` },
          { attempts: 3, backoff: { type: 'fixed', delay: 200 } },
        );
        await setTimeout(PACE, undefined, { signal }).catch(() => {});
      }
      if (finished < added) {
        await new Promise<void>((resolve) => {
          allFinished = resolve;
        });
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(workers.map((worker) => worker.close()));
      await Promise.all(queues.map((queue) => queue.close()));
    },
  };
}
