import { Queue, Worker } from 'bullmq';
import { eventually } from '../../local/process.ts';
import { workAndDie } from './doomed-worker.ts';
import { begin, conclude, type EventKey, eventsOf, type Plan, planOf, QUEUE } from './jobs.ts';
import { forwardEvents } from './worker-listeners.ts';

/** A real queue whose jobs are known beforehand, and its workers, whose own events say what happened. */
export interface Workload extends AsyncDisposable {
  /** All that happens once every job that was added has ended. */
  readonly expected: ReadonlySet<EventKey>;
  /** What the workers' own listeners heard, by worker. */
  readonly seen: ReadonlyMap<string, readonly EventKey[]>;
  /** Tells each event that a worker emits in its process. */
  onWorkerEvent(listener: (key: EventKey) => void): void;
  /** Starts two workers in this process. */
  work(): Promise<void>;
  add(jobs: number): Promise<void>;
  /** Resolves when every job that was added has ended and every worker that is alive has said so. */
  finish(): Promise<void>;
  /** Adds jobs in batches and has each finished before the next, so that the entries of their beginnings and ends are mixed. */
  run(jobs: number): Promise<void>;
  /** Holds the workers of this process back; the function that is returned lets them go on at once. */
  hold(): () => void;
  /** Resolves when so many jobs are held back. */
  held(jobs: number): Promise<void>;
  /** Has a worker process do `before` jobs, then end `during` more in Redis and be killed before it learns of that. */
  killWorker(before: number, during: number): Promise<void>;
}

/** Jobs that a worker does at once; while workers are held back, so many of them wait. */
export const CONCURRENCY = 25;

const WORKERS = ['worker 1', 'worker 2'];
const BATCH = 100;
const PATIENCE = 60_000;

export async function createWorkload(redisUrl: string, prefix: string, maxLen: number): Promise<Workload> {
  await using started = new AsyncDisposableStack();
  const options = { prefix, connection: { url: redisUrl, maxRetriesPerRequest: null } };
  const queue = started.adopt(new Queue<Plan>(QUEUE, { ...options, streams: { events: { maxLen } } }), close);
  await queue.waitUntilReady();
  const expected = new Set<EventKey>();
  const seen = new Map<string, EventKey[]>();
  const listeners: ((key: EventKey) => void)[] = [];
  let added = 0;
  let unseen = 0;
  let gate = Promise.resolve();
  let waiting = 0;

  function seeFrom(worker: string): (key: EventKey) => void {
    const keys: EventKey[] = [];
    seen.set(worker, keys);
    return (key) => {
      keys.push(key);
      for (const listener of listeners) listener(key);
    };
  }

  async function add(jobs: number, name = 'job'): Promise<void> {
    const plans = Array.from({ length: jobs }, (_, i) => planOf(added + i));
    added += jobs;
    for (const plan of plans) for (const key of eventsOf(plan)) expected.add(key);
    await queue.addBulk(
      plans.map((plan) => {
        const { jobId, isRemoved } = plan;
        return { name, data: plan, opts: { jobId, removeOnComplete: isRemoved, removeOnFail: isRemoved } };
      }),
    );
  }

  async function finish(): Promise<void> {
    await eventually(
      async () => {
        const ended = [...seen.values()].flat().filter((key) => !key.startsWith('progress:')).length;
        if (ended < added - unseen) throw new Error(`${ended} of ${added - unseen} jobs have ended`);
      },
      undefined,
      PATIENCE,
    );
  }

  const resources = started.move();
  return {
    expected,
    seen,
    onWorkerEvent: (listener) => listeners.push(listener),
    async work() {
      for (const name of WORKERS) {
        const worker = new Worker<Plan>(
          QUEUE,
          async (job) => {
            waiting += 1;
            await gate;
            waiting -= 1;
            await begin(job);
            return conclude(job);
          },
          { ...options, concurrency: CONCURRENCY },
        );
        forwardEvents(worker, seeFrom(name));
        // By force, so that a scenario that failed does not wait for jobs that are held back.
        await resources.adopt(worker, () => worker.close(true)).waitUntilReady();
      }
    },
    add,
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return resolve;
    },
    held: (jobs) =>
      eventually(async () => {
        if (waiting < jobs) throw new Error(`${waiting} of ${jobs} jobs are held back`);
      }),
    finish,
    async run(jobs) {
      for (let left = jobs; left > 0; left -= BATCH) {
        await add(Math.min(left, BATCH));
        await finish();
      }
    },
    async killWorker(before, during) {
      await using worker = await workAndDie({
        redisUrl,
        prefix,
        queue,
        concurrency: during,
        hear: seeFrom('killed worker'),
      });
      await add(before);
      await finish();
      await add(during, 'held');
      await worker.dieAfter(during);
      unseen += during;
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

const close = (part: { close(): Promise<void> }) => part.close();
