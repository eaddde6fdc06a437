import { setTimeout } from 'node:timers/promises';
import { type Job, Queue, UnrecoverableError, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import type { OwnPrefix } from '../own-prefix.ts';

/** Real queues with real workers: jobs that succeed, report progress, are retried, and fail. */
export interface Workload extends AsyncDisposable {
  readonly queues: readonly string[];
  /** The number of jobs added so far. */
  added(): number;
  /** The number of jobs completed or failed so far, as reported by the workers. */
  finished(): number;
  /**
   * Adds jobs one by one until all are added or the signal is aborted, and resolves when each added job has finished.
   *
   * @throws {Error} with the reason if Redis refused a write
   */
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

export function startWorkload(redisUrl: string, prefix: OwnPrefix): Workload {
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const options = { connection, prefix: prefix.name };
  const names = Object.keys(PROCESSORS);
  const ended = Promise.withResolvers<void>();
  ended.promise.catch(() => {});
  // Other errors are errors of the connection, which reconnects.
  const onError = (error: Error) => {
    if (error.name === 'ReplyError') ended.reject(prefix.refusal(error));
  };
  let added = 0;
  let finished = 0;
  let allFinished = () => {};
  const countJob = () => {
    finished += 1;
    if (finished === added) allFinished();
  };
  connection.on('error', onError);
  const queues = names.map((name) => new Queue(name, options).on('error', onError));
  const workers = names.map((name) => {
    const worker = new Worker(name, PROCESSORS[name] ?? null, { ...options, concurrency: 4 });
    worker.on('completed', countJob);
    worker.on('failed', (job, error) => {
      if (!job || job.attemptsMade >= (job.opts.attempts ?? 1) || error instanceof UnrecoverableError) countJob();
    });
    return worker.on('error', onError);
  });

  async function addJobs(jobs: number, signal: AbortSignal): Promise<void> {
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
  }

  return {
    queues: names,
    added: () => added,
    finished: () => finished,
    run(jobs, signal) {
      addJobs(jobs, signal).then(ended.resolve, (error) => {
        onError(error);
        ended.reject(error);
      });
      return ended.promise;
    },
    async [Symbol.asyncDispose]() {
      // By force: after an orderly end, no job is active; after a failure, Redis may not answer.
      await Promise.all(workers.map((worker) => worker.close(true)));
      await Promise.all(queues.map((queue) => queue.close()));
      connection.disconnect();
    },
  };
}
