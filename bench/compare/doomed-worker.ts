import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Queue } from 'bullmq';
import { eventually, start, stop } from '../../local/process.ts';
import { holdReplies } from './held-replies.ts';
import type { EventKey } from './jobs.ts';

const PROGRAM = fileURLToPath(new URL('worker-process.ts', import.meta.url));

export interface DoomedWorkerOptions {
  readonly redisUrl: string;
  readonly prefix: string;
  readonly queue: Queue;
  readonly concurrency: number;
  /** Told each event that the worker emits in its process. */
  readonly hear: (key: EventKey) => void;
}

/** A worker process, to be killed between the end of its jobs in Redis and its own listeners. */
export interface DoomedWorker extends AsyncDisposable {
  /** Resolves when so many held jobs have ended in Redis and the process is gone. */
  dieAfter(jobs: number): Promise<void>;
}

/** Starts the process. Its Redis is behind a relay, which makes that moment as long as the kill needs. */
export async function workAndDie(options: DoomedWorkerOptions): Promise<DoomedWorker> {
  const { redisUrl, prefix, queue, concurrency, hear } = options;
  const relay = await holdReplies(redisUrl);
  const child = start(process.execPath, [PROGRAM, relay.url, prefix, `${concurrency}`], {
    stdio: ['ignore', 'inherit', 'inherit'],
    ipc: true,
  });
  let held = 0;
  child.on('message', ({ event }: { readonly event?: EventKey }) => {
    if (event) hear(event);
    else held += 1;
  });
  return {
    async dieAfter(jobs) {
      await eventually(async () => {
        if (held < jobs) throw new Error(`the worker process has begun ${held} of ${jobs} jobs`);
      }, child);
      relay.hold();
      child.send('go on');
      await eventually(async () => {
        const left = await queue.getActiveCount();
        if (left > 0) throw new Error(`${left} jobs of the worker process have not ended`);
      }, child);
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
    async [Symbol.asyncDispose]() {
      await stop(child);
      await relay[Symbol.asyncDispose]();
    },
  };
}
