import { Queue, UnrecoverableError, Worker } from 'bullmq';

/** How a job ended, by the events of its worker: what a subscriber has to be told. */
export interface Ending {
  readonly queue: string;
  readonly event: string;
  readonly jobId: string | undefined;
  /** What the job returned, or why it failed. */
  readonly result: unknown;
}

/** A real queue with a real worker. */
export interface Jobs extends AsyncDisposable {
  /** Runs so many jobs, a fifth of which fail and a fifth succeed when they are tried again. @returns how each ended, by its worker */
  run(count: number): Promise<Ending[]>;
}

export async function startJobs(name: string, url: string): Promise<Jobs> {
  const options = { connection: { url, maxRetriesPerRequest: null } };
  const queue = new Queue(name, options);
  const worker = new Worker(
    name,
    async ({ data, attemptsMade }) => {
      if (data.number % 5 === 1) throw new UnrecoverableError(`declined: "${data.number}" ü`);
      if (data.number % 5 === 2 && attemptsMade === 0) throw new Error('try again');
      return { number: data.number, nested: [1, { x: null }] };
    },
    { ...options, concurrency: 10 },
  );
  await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()]);
  return {
    async run(count) {
      const endings: Ending[] = [];
      const all = new Promise<void>((resolve) => {
        const end = (event: string, jobId: string | undefined, result: unknown) => {
          endings.push({ queue: name, event, jobId, result });
          if (endings.length === count) resolve();
        };
        worker.on('completed', (job, result) => end('completed', job.id, result));
        worker.on('failed', (job, error) => {
          if (error instanceof UnrecoverableError) end('failed', job?.id, error.message);
        });
      });
      const jobs = Array.from({ length: count }, (_, number) => ({
        name: 'job',
        data: { number },
        opts: { attempts: 2 },
      }));
      await queue.addBulk(jobs);
      await all;
      worker.removeAllListeners('completed').removeAllListeners('failed');
      return endings;
    },
    async [Symbol.asyncDispose]() {
      await worker.close();
      await queue.close();
    },
  };
}
