import type { Worker } from 'bullmq';
import { type EventKey, keyOf } from './jobs.ts';

/** Tells what a worker emits in its own process. */
export function forwardEvents(worker: Worker, hear: (key: EventKey) => void): void {
  worker.on('completed', ({ id = '' }) => hear(keyOf('completed', id)));
  worker.on('failed', (job) => hear(keyOf('failed', job?.id ?? '')));
  worker.on('progress', ({ id = '' }) => hear(keyOf('progress', id)));
}
