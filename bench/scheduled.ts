import { setTimeout } from 'node:timers/promises';
import { DEFAULTS } from '../functions/defaults.ts';
import type { EventEnvelope } from '../functions/event/detail.ts';
import { createArrivals } from '../local/arrivals.ts';
import { startBus } from '../local/bus/server.ts';
import { createFunction } from '../local/lambda/function.ts';
import { BUS } from '../local/stack.ts';
import type { Bench, CreateProgram } from './bench.ts';
import { type JobsOptions, startJobs } from './jobs.ts';

/** Which jobs came while somebody listened, and were heard of. */
export interface Heard {
  readonly added: number;
  readonly lost: number;
}

/** The same from the first run on, and more. */
export interface Forwarded extends Heard {
  /** The same from a later run on; the first is number 0. */
  readonly since: (run: number) => Heard;
  /** Milliseconds from an event to its arrival at a subscriber, at a quantile. */
  readonly latency: (quantile: number) => number | undefined;
}

export interface ScheduleOptions extends Omit<JobsOptions, 'queue'> {
  readonly tail: 'always' | 'auto' | 'never';
  /** Seconds from one run to the next; a minute, where it is deployed. */
  readonly interval: number;
  /** How many runs begin while jobs come; one more ends it. */
  readonly runs: number;
  /** Milliseconds that the bus takes to answer. @default 0 */
  readonly delay?: number;
  /** @default {@link createFunction} */
  readonly create?: CreateProgram;
}

/** Milliseconds that jobs come before the first run; those are not counted. */
const BEFORE = 1000;

/** Runs the built function at each tick beside jobs that come steadily. */
export async function forwardOnSchedule(bench: Bench, options: ScheduleOptions): Promise<Forwarded> {
  const { admin, prefix } = bench;
  const { tail, interval, runs, delay = 0, create = createFunction } = options;
  const queue = `${tail}-${options.perSecond}`;
  await using started = new AsyncDisposableStack();
  const bus = started.use(await startBus({ buses: [BUS], delay, record: false }));
  const environment = {
    BULLBRIDGE_EVENTS: DEFAULTS.events.join(),
    BULLBRIDGE_TAIL: tail,
    BULLBRIDGE_INTERVAL_SECONDS: `${interval}`,
  };
  const program = await bench.prepare({ url: bus.url, queues: queue, environment });
  const start = async (overrides = {}) =>
    started.use(await create({ ...program, environment: { ...program.environment, ...overrides } }));
  // Two containers, as Lambda has them: the next run is started while the one before still listens.
  const containers = [await start(), await start()] as const;
  const arrivals = createArrivals();
  const heard = new Set<number>();
  /** How many jobs had come when each run began. */
  const begun: number[] = [];
  bus.subscribe({
    bus: BUS,
    pattern: { source: ['bullmq'] },
    deliver: (event) => {
      const detail = event.detail as unknown as EventEnvelope;
      if (Number(detail.jobId) < (begun[0] ?? Infinity)) return;
      heard.add(Number(detail.jobId));
      arrivals.add(detail, Date.now());
    },
  });
  const jobs = await startJobs(bench, { ...options, queue });
  await setTimeout(BEFORE);
  const running: Promise<unknown>[] = [];
  for (let run = 0; run < runs; run += 1) {
    begun.push(jobs.added);
    running.push(containers[run % 2 === 0 ? 0 : 1].invoke({}));
    await setTimeout(interval * 1000);
  }
  await jobs.stop();
  const last = await start({ BULLBRIDGE_TAIL: 'never' });
  running.push(last.invoke({}));
  await Promise.all(running);
  await admin.unlink(`${prefix}:${queue}:events`);
  const since = (run: number) => {
    const from = begun[run] ?? jobs.added;
    const added = jobs.added - from;
    return { added, lost: added - [...heard].filter((job) => job >= from).length };
  };
  return { ...since(0), since, latency: arrivals.latency };
}
