// A worker in a process of its own, that reports to its parent as one with handlers of its own would report to a service.
import { Worker } from 'bullmq';
import { begin, conclude, type Plan, QUEUE } from './jobs.ts';
import { forwardEvents } from './worker-listeners.ts';

const [, , url = '', prefix = '', concurrency = ''] = process.argv;
const report = (message: object) => process.send?.(message);
const { promise: released, resolve: release } = Promise.withResolvers<void>();
process.once('message', () => release());

const worker = new Worker<Plan>(
  QUEUE,
  async (job) => {
    await begin(job);
    if (job.name === 'held') {
      report({ held: job.id });
      await released;
    }
    return conclude(job);
  },
  { prefix, connection: { url, maxRetriesPerRequest: null }, concurrency: Number(concurrency) },
);
worker.on('error', () => {});
forwardEvents(worker, (event) => report({ event }));
