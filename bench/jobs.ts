import { setTimeout } from 'node:timers/promises';
import type { Bench } from './bench.ts';

/** Jobs that come steadily. */
export interface Jobs {
  /** How many have come; they are numbered from 0. */
  readonly added: number;
  stop(): Promise<void>;
}

export interface JobsOptions {
  readonly queue: string;
  readonly perSecond: number;
  /** What the stream keeps. */
  readonly maxLen: number;
}

/** Entries that a stream keeps by BullMQ's default. */
export const MAX_LEN = 10_000;

/** What a job writes, as BullMQ does and trimmed as BullMQ does: it is added, waits, is active and is completed. */
const WRITE = `
for job = ARGV[1], ARGV[2] do
  for _, event in ipairs({ 'added', 'waiting', 'active', 'completed' }) do
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*', 'event', event, 'jobId', job, 'returnvalue', '{"ok":true}')
  end
end`;

/** Milliseconds between two writes. */
const STEP = 20;

/** Begins with the jobs; the queue says what it keeps, as BullMQ's do. */
export async function startJobs({ admin, prefix }: Bench, { queue, perSecond, maxLen }: JobsOptions): Promise<Jobs> {
  await admin.hset(`${prefix}:${queue}:meta`, 'opts.maxLenEvents', maxLen);
  const begun = performance.now();
  const ending = new AbortController();
  let added = 0;
  async function add(): Promise<void> {
    while (!ending.signal.aborted) {
      const due = Math.floor(((performance.now() - begun) / 1000) * perSecond);
      if (due > added) await admin.eval(WRITE, 1, `${prefix}:${queue}:events`, added, due - 1, maxLen);
      added = Math.max(added, due);
      await setTimeout(STEP, undefined, { signal: ending.signal }).catch(() => {});
    }
  }
  const adding = add();
  return {
    get added() {
      return added;
    },
    async stop() {
      ending.abort();
      await adding;
      await admin.unlink(`${prefix}:${queue}:meta`);
    },
  };
}
