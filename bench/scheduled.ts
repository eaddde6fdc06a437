import { setTimeout } from 'node:timers/promises';
import type { EventEnvelope } from '../functions/event/detail.ts';
import { createArrivals } from '../local/arrivals.ts';
import { BUS, startStack } from '../local/stack.ts';
import type { Bench } from './bench.ts';
import { type JobsOptions, startJobs } from './jobs.ts';

/** Which jobs came while somebody listened, and were heard of. */
export interface Heard {
  readonly added: number;
  readonly lost: number;
}

/** The same, and milliseconds from an event to its arrival at a subscriber, at a quantile. */
export interface Forwarded extends Heard {
  readonly latency: (quantile: number) => number | undefined;
}

export interface ScheduleOptions extends Omit<JobsOptions, 'queue'> {
  readonly tail: 'always' | 'auto' | 'never';
  /** Seconds from one run to the next; a minute, where it is deployed. */
  readonly interval: number;
  /** How many runs begin while jobs come; one more ends it. */
  readonly runs: number;
}

/** Milliseconds that jobs come before the first run; those are not counted. */
const BEFORE = 1000;

/** Runs the built function at each tick beside jobs that come steadily. */
export async function forwardOnSchedule(bench: Bench, options: ScheduleOptions): Promise<Forwarded> {
  const { admin, redisUrl, bundles, prefix } = bench;
  const { tail, interval, runs } = options;
  const queue = `${tail}-${options.perSecond}`;
  const environment = {
    BULLBRIDGE_PREFIX: prefix,
    BULLBRIDGE_QUEUES: queue,
    BULLBRIDGE_TAIL: tail,
    BULLBRIDGE_INTERVAL_SECONDS: `${interval}`,
  };
  await using stack = await startStack({ redisUrl, bundles, environment });
  const arrivals = createArrivals();
  const heard = new Set<number>();
  let first = Number.POSITIVE_INFINITY;
  stack.bus.subscribe({
    bus: BUS,
    pattern: { source: ['bullmq'] },
    deliver: (event) => {
      const detail = event.detail as unknown as EventEnvelope;
      if (Number(detail.jobId) < first) return;
      heard.add(Number(detail.jobId));
      arrivals.add(detail, Date.now());
    },
  });
  // Two containers, as Lambda has them: the next run is started while the one before still listens.
  const containers = [stack.forward, stack.start('forward')] as const;
  const jobs = await startJobs(bench, { ...options, queue });
  await setTimeout(BEFORE);
  first = jobs.added;
  const running: Promise<unknown>[] = [];
  for (let run = 0; run < runs; run += 1) {
    running.push(containers[run % 2 === 0 ? 0 : 1].invoke({}));
    await setTimeout(interval * 1000);
  }
  await jobs.stop();
  running.push(stack.start('forward', { BULLBRIDGE_TAIL: 'never' }).invoke({}));
  await Promise.all(running);
  await admin.unlink(`${prefix}:${queue}:events`);
  const added = jobs.added - first;
  return { added, lost: added - heard.size, latency: arrivals.latency };
}
