import { SupersededError } from '../checkpoint/superseded.ts';
import { type Tenure, withLease } from '../checkpoint/with-lease.ts';
import type { Clients, Container } from '../clients.ts';
import { BullbridgeError } from '../errors.ts';
import type { DetailSettings } from '../event/detail-settings.ts';
import { freeLarge } from '../event/entry.ts';
import { createFilter, type EventSelection } from '../event/filter.ts';
import type { Signals } from '../invocation.ts';
import type { RedisConnection } from '../redis/port.ts';
import type { StartFrom } from '../start-from.ts';
import type { Position } from '../stream/position.ts';
import { createStreamReader } from '../stream/reader.ts';
import { createCapacities } from './capacity.ts';
import { openCheckpoints } from './checkpoints.ts';
import { outrunsSchedule } from './forecast.ts';
import { createJobLoader } from './jobs.ts';
import { runPipeline, type Unit } from './pipeline.ts';
import { retentionUsed } from './retention.ts';
import { queuesOf, type Shard } from './shard.ts';
import { count, createSweeps, type Outgoing, sizeOf, type Tally, toOutgoing } from './sweep.ts';
import { createTail, type TailMode } from './tail.ts';

/** Bytes of a sweep's entries; two sweeps and what is read ahead are in memory at once, each of them several times over. */
const SWEEP_BYTES = 4 * 1024 * 1024;
/**
 * Milliseconds that the positions of a run that listens may wait for later ones: each saving of a queue costs a write, and sweeps
 * that come as entries do are small.
 */
export const SAVE_AFTER = 1000;

export interface ForwardSettings {
  readonly sourceName: string;
  readonly prefix: string;
  readonly queues: '*' | readonly string[];
  readonly events: EventSelection;
  readonly startFrom: StartFrom;
  readonly sweepSize: number;
  readonly tail: TailMode;
  /** Milliseconds from one run to the next. */
  readonly interval: number;
  /** @default what Redis has, and nothing of the job */
  readonly details?: DetailSettings;
}

/** What a run works with. */
export type ForwardClients = Pick<Container, keyof Clients | 'discoverQueues' | 'checkpoints'>;

/** What a run has done so far; filled while it runs, so that it is known of a run that fails, too. */
export interface Report extends Tally {
  /** Queues of this shard. */
  queues: number;
  caughtUp: boolean;
  /** Whether another run has the lease, so that this one did nothing. */
  leaseHeld: boolean;
  /** Milliseconds from the newest published entry's time to the saving of its position. */
  lag: number | undefined;
  /** Entries not yet read; known at the end, `undefined` where it could not be counted. */
  backlog: number | undefined;
  /** Percent of its stream's capacity that the backlog of each busy queue took; known at the end. */
  retentionUsed: ReadonlyMap<string, number> | undefined;
  /** Milliseconds from reading until all was settled, of each sweep. */
  readonly sweepDurations: number[];
  /** What an operator may want to know of a run that did not fail. */
  readonly warnings: string[];
}

export function emptyReport(): Report {
  const nothing = {
    counts: new Map(),
    newest: 0,
    incidents: 0,
    queues: 0,
    lag: undefined,
    backlog: undefined,
    retentionUsed: undefined,
    caughtUp: false,
    leaseHeld: false,
  };
  return { ...nothing, sweepDurations: [], warnings: [] };
}

/**
 * Forwards what the queues of a shard have received since their saved positions, until all are caught up or told to drain.
 *
 * A run that listens does so until its successor waits for the lease.
 *
 * @param owner names this run in the lease; never the same for two runs
 * @throws {BullbridgeError} what an operator must mend; positions do not move past entries that are not settled
 */
export async function forward(
  settings: ForwardSettings,
  shard: Shard,
  clients: ForwardClients,
  owner: string,
  signals: Signals,
  report: Report,
): Promise<void> {
  const { sourceName, prefix, interval } = settings;
  const table = { client: clients.dynamodb, table: clients.table, now: clients.now, wait: clients.wait };
  const leaseKey = `${sourceName}/${prefix}/shard/${shard.index}/${shard.count}`;
  const warn = (message: string) => report.warnings.push(message);
  const ending = await withLease(table, leaseKey, { owner, signals, interval, warn }, async (tenure) => {
    const redis = await clients.connectRedis();
    try {
      await forwardQueues(
        { settings, shard, clients, redis, report, ...tenure },
        {
          drain: AbortSignal.any([signals.drain, tenure.handOver]),
          stop: AbortSignal.any([signals.stop, tenure.lost]),
        },
      );
    } finally {
      redis.close();
    }
  });
  report.leaseHeld = ending === 'held';
}

interface Run extends Tenure {
  readonly settings: ForwardSettings;
  readonly shard: Shard;
  readonly clients: ForwardClients;
  readonly redis: RedisConnection;
  readonly report: Report;
}

/**
 * A sweep on its way to the bus. Its pages are left behind: they are many small buffers, which each garbage collection would
 * copy as long as the sweep is being published.
 */
interface Work extends Unit {
  readonly outgoing: Outgoing;
  readonly readAt: Date;
}

interface Settled {
  readonly positions: ReadonlyMap<string, Position>;
  /** The time of the newest entry published so far in milliseconds. */
  readonly newest: number;
}

async function forwardQueues({ settings, shard, clients, lease, handOver, redis, report }: Run, signals: Signals) {
  const known =
    settings.queues === '*'
      ? await clients.discoverQueues(redis, signals.drain)
      : { queues: settings.queues, isWhole: true };
  const queues = queuesOf(shard, known.queues);
  report.queues = queues.length;
  const warn = (error: Error) => {
    report.warnings.push(error.message);
    return undefined;
  };
  const checkpoints = await openCheckpoints(clients, settings, lease, queues);
  const reader = createStreamReader(redis, checkpoints.cursors, settings);
  const sweeps = createSweeps(reader, { entries: settings.sweepSize, bytes: SWEEP_BYTES });
  const options = { ...settings, ...settings.details, passes: createFilter(settings.events) };
  const loadJobs = createJobLoader(redis, options);
  const capacitiesOf = createCapacities(redis, settings.prefix);
  using tail = createTail(clients, {
    prefix: settings.prefix,
    until: handOver,
    isNeeded: async () => {
      if (settings.tail !== 'auto') return settings.tail === 'always';
      const { cursors } = checkpoints;
      const forecast = { ...settings, cursors, arrived: sweeps.arrived(), now: clients.now() };
      return (await outrunsSchedule(redis, capacitiesOf, forecast).catch(warn)) ?? false;
    },
    warn: (message) => report.warnings.push(message),
  });
  let newestSaved = 0;
  let hasListened = false;
  try {
    await runPipeline<Work, Settled>(
      {
        read: async (signal) => {
          for (;;) {
            const next = await sweeps.next();
            if (next) {
              const { sweep, rest, jobOf } = await loadJobs(next, signal);
              sweeps.putBack(rest);
              const readAt = clients.now();
              const outgoing = toOutgoing(sweep, { ...options, detectedAt: readAt, jobOf });
              // Behind the last one of those that came, there is nothing else to do for now.
              return { outgoing, readAt, size: sizeOf(sweep), canWait: hasListened && sweeps.caughtUp() };
            }
            const queues = await tail.next(reader.caughtUp(), signal);
            if (queues.length === 0) return undefined;
            hasListened = true;
            reader.resume(queues);
          }
        },
        settle: async ({ outgoing, readAt }, signal) => {
          await checkpoints.writeLosses(outgoing.losses, readAt);
          const entries = outgoing.items.map(({ entry }) => entry);
          count(report, outgoing, await clients.publish(entries, signal));
          entries.forEach(freeLarge);
          report.sweepDurations.push(clients.now().getTime() - readAt.getTime());
          return { positions: outgoing.positions, newest: report.newest };
        },
        save: async (settled) => {
          // After the end of a run that lost the lease, what it has settled is its successor's to save.
          if (signals.stop.reason instanceof SupersededError) throw signals.stop.reason;
          await checkpoints.save(new Map(settled.flatMap(({ positions }) => [...positions])));
          const newest = Math.max(...settled.map((sweep) => sweep.newest));
          if (newest > newestSaved) report.lag = clients.now().getTime() - newest;
          newestSaved = newest;
        },
        wait: (signal) => clients.wait(SAVE_AFTER, signal),
      },
      signals,
      2 * settings.sweepSize,
    );
    checkpoints.keep();
    report.caughtUp = known.isWhole && sweeps.caughtUp() && reader.failures.size === 0;
  } catch (error) {
    if (!signals.stop.aborted || error instanceof BullbridgeError || error instanceof SupersededError) throw error;
    report.warnings.push(
      'The deadline came before all entries under way were settled; the next run sends those again.',
    );
  }
  const { entries, arrived } = await sweeps.backlog();
  report.backlog = entries;
  // A forecast only: a run that forwarded everything has not failed for want of it.
  report.retentionUsed = await retentionUsed(capacitiesOf, checkpoints.cursors, arrived).catch(warn);
  for (const error of reader.failures.values()) throw error;
}
