import type { BusWatch } from '../bus/bus-watch.ts';
import { SupersededError } from '../checkpoint/superseded.ts';
import type { Clients } from '../clients.ts';
import { freeBytes } from '../event/bus-entry.ts';
import { createFilter } from '../event/filter.ts';
import type { RedisConnection } from '../redis/port.ts';
import type { Position } from '../stream/position.ts';
import type { QueueCheckpoints } from './checkpoints.ts';
import { createEventTally, type EventCounts } from './event-counts.ts';
import { createJobLoader } from './job-loader.ts';
import { type Outgoing, toOutgoing } from './outgoing.ts';
import type { Stages, Unit } from './pipeline.ts';
import { count, type Report } from './report.ts';
import type { ForwardSettings } from './settings.ts';
import type { Source } from './source.ts';
import { sizeOf } from './sweep.ts';
import type { Tail } from './tail.ts';

/**
 * Milliseconds for which a run that listens may delay saving positions. Each save costs a write for each queue, and the
 * sweeps of such a run are small.
 */
export const SAVE_AFTER = 1000;

/**
 * A sweep that is being published. It does not keep its pages: they are many small buffers that each garbage collection
 * would copy while the sweep is being published.
 */
interface Work extends Unit {
  readonly outgoing: Outgoing;
  readonly readAt: Date;
}

interface Settled {
  readonly positions: ReadonlyMap<string, Position>;
  readonly counted: EventCounts;
  /** The time of the newest entry published so far, in milliseconds. */
  readonly newest: number;
  /** The time of the oldest entry published in this sweep, in milliseconds. */
  readonly oldest: number;
}

export interface StageOptions {
  readonly settings: ForwardSettings;
  readonly clients: Clients;
  readonly redis: RedisConnection;
  readonly source: Source;
  readonly tail: Tail;
  readonly checkpoints: QueueCheckpoints;
  readonly bus: BusWatch;
  readonly report: Report;
  readonly stop: AbortSignal;
  /** Receives the numbers of events, right before their positions are saved. */
  readonly countEvents?: CountEvents | undefined;
}

export type CountEvents = (queue: string, counts: ReadonlyMap<string, number>) => void;

/** Creates the stages of a run: a sweep is read, then published, and only then its positions are saved. */
export function createStages(options: StageOptions): Stages<Work, Settled> {
  const { settings, clients, redis, source, tail, checkpoints, bus, report, stop } = options;
  const envelope = { ...settings, ...settings.details, passes: createFilter(settings.events) };
  const loadJobs = createJobLoader(redis, envelope);
  let newestSaved = 0;

  return {
    async read(signal) {
      for (;;) {
        const next = await source.next();
        if (next) {
          const { sweep, rest, jobOf } = await loadJobs(next, signal);
          source.putBack(rest);
          const readAt = clients.now();
          const outgoing = toOutgoing(sweep, { ...envelope, detectedAt: readAt, jobOf });
          // A sweep can wait only if no other entries are due.
          return { outgoing, readAt, size: sizeOf(sweep), canWait: tail.listens() && source.isCaughtUp() };
        }
        if (!(await tail.waitForMore(signal))) return undefined;
      }
    },

    async settle({ outgoing, readAt }, signal) {
      await checkpoints.writeLosses(outgoing.losses, readAt);
      const entries = outgoing.items.map(({ entry }) => entry);
      const oldest = count(report, outgoing, await clients.publish(entries, signal));
      entries.forEach(freeBytes);
      report.sweepDurations.push(clients.now().getTime() - readAt.getTime());
      return { positions: outgoing.positions, counted: outgoing.counted, newest: report.newest, oldest };
    },

    async save(settled) {
      // A run that lost the lease must not save positions; the next run does.
      if (stop.reason instanceof SupersededError) throw stop.reason;
      // A deleted bus also accepts entries, but drops them.
      await bus.confirm();
      // Counted before positions are saved: a run killed in between counts events twice, but never misses any.
      for (const [queue, counts] of sumOf(settled)) options.countEvents?.(queue, counts);
      await checkpoints.save(new Map(settled.flatMap(({ positions }) => [...positions])));
      const newest = Math.max(...settled.map((sweep) => sweep.newest));
      if (newest > newestSaved) report.lag = clients.now().getTime() - newest;
      newestSaved = newest;
      const oldest = Math.min(...settled.map((sweep) => sweep.oldest));
      if (oldest < Infinity) report.oldestAge = Math.max(report.oldestAge ?? 0, clients.now().getTime() - oldest);
    },

    wait: (signal) => clients.wait(SAVE_AFTER, signal),
  };
}

/** The counts of all sweeps together. */
function sumOf(settled: readonly Settled[]): EventCounts {
  const tally = createEventTally();
  for (const { counted } of settled) {
    for (const [queue, counts] of counted) for (const [event, times] of counts) tally.add(queue, event, times);
  }
  return tally.counts;
}
