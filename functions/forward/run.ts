import { SupersededError } from '../checkpoint/superseded.ts';
import { type HeldLease, withLease } from '../checkpoint/with-lease.ts';
import type { Clients, Container } from '../clients.ts';
import { BullbridgeError } from '../errors.ts';
import type { DetailSettings } from '../event/detail-settings.ts';
import { freeLarge } from '../event/entry.ts';
import { createFilter, type EventSelection } from '../event/filter.ts';
import type { Signals } from '../invocation.ts';
import { createPatientConnection } from '../redis/patient.ts';
import type { RedisConnection } from '../redis/port.ts';
import type { StartFrom } from '../start-from.ts';
import type { Discovery } from '../stream/discovery.ts';
import type { Position } from '../stream/position.ts';
import { createStreamReader } from '../stream/reader.ts';
import { readStates } from '../stream/states.ts';
import { createArrivals } from './arrivals.ts';
import { openCheckpoints } from './checkpoints.ts';
import { finish } from './finish.ts';
import { queuesOutrunning } from './forecast.ts';
import { createJobLoader } from './jobs.ts';
import { createKept } from './kept.ts';
import { createListener } from './listen.ts';
import { type Outgoing, toOutgoing } from './outgoing.ts';
import { runPipeline, type Unit } from './pipeline.ts';
import { count, type Report } from './report.ts';
import type { Shard } from './shard.ts';
import { createSource } from './source.ts';
import { sizeOf } from './sweep.ts';

/** Bytes of a sweep's entries; two sweeps and what is read ahead are in memory at once, each of them several times over. */
const SWEEP_BYTES = 4 * 1024 * 1024;
/**
 * Milliseconds that the positions of a run that listens may wait for later ones: each saving of a queue costs a write, and sweeps
 * that come as entries do are small.
 */
export const SAVE_AFTER = 1000;

/** Whether a run goes on listening once it has caught up. */
type TailMode = 'auto' | 'always' | 'never';

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

/**
 * Forwards what the queues of a shard have received since their saved positions, until all are caught up or told to drain.
 *
 * A run that listens does so until its successor waits for the lease. Queues are looked for before the lease is taken, so that a
 * long look keeps no other run from reading.
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
  const redis = createPatientConnection(clients.connectRedis, { wait: clients.wait, signal: signals.drain, warn });
  try {
    const known = await knownQueues(settings, clients, redis, signals.drain);
    if (known.isWhole && known.queues.length === 0) warn(`No queue was found under the prefix "${prefix}".`);
    const ending = await withLease(table, leaseKey, { owner, signals, interval, warn }, ({ lease, handOver, lost }) => {
      const drain = AbortSignal.any([signals.drain, handOver]);
      const stop = AbortSignal.any([signals.stop, lost]);
      return forwardQueues({ settings, shard, clients, redis, known, lease, report }, { drain, stop });
    });
    report.leaseHeld = ending === 'held';
    report.superseded = ending === 'superseded';
  } finally {
    redis.close();
  }
}

function knownQueues(
  { queues }: ForwardSettings,
  { discoverQueues }: ForwardClients,
  redis: RedisConnection,
  drain: AbortSignal,
): Promise<Discovery> | Discovery {
  return queues === '*' ? discoverQueues(redis, drain) : { queues, isWhole: true };
}

interface Run {
  readonly settings: ForwardSettings;
  readonly shard: Shard;
  readonly clients: ForwardClients;
  readonly redis: RedisConnection;
  readonly known: Discovery;
  readonly lease: HeldLease;
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
  /** The time of the oldest entry published in this sweep. */
  readonly oldest: number;
}

async function forwardQueues(
  { settings, shard, clients, redis, known, lease, report }: Run,
  signals: Signals,
): Promise<void> {
  const { prefix, interval, sweepSize } = settings;
  const statesOf = (queues: readonly string[]) => readStates(redis, queues, prefix);
  const checkpoints = await openCheckpoints(clients, settings, lease, shard, known, statesOf);
  report.queues = checkpoints.cursors.length;
  const reader = createStreamReader(redis, checkpoints.cursors, {
    ...settings,
    ...clients,
    allReadAt: checkpoints.allReadAt,
  });
  const arrivals = createArrivals(interval);
  const source = createSource(reader, arrivals, { entries: sweepSize, bytes: SWEEP_BYTES });
  const options = { ...settings, ...settings.details, passes: createFilter(settings.events) };
  const loadJobs = createJobLoader(redis, options);
  const keptBy = createKept(redis, prefix);
  using listener = createListener(clients, prefix, signals.drain, (message) => report.warnings.push(message));

  async function isListeningNeeded(): Promise<boolean> {
    if (settings.tail !== 'auto') return settings.tail === 'always';
    const cursors = [...reader.idle(), ...reader.due()];
    const forecast = { cursors, arrivals: arrivals.all(), interval, now: clients.now() };
    const busy = await queuesOutrunning(keptBy, forecast).catch((error: Error) => {
      report.warnings.push(error.message);
      return undefined;
    });
    return busy === undefined || busy.length > 0;
  }

  let listens: boolean | undefined;
  let newestSaved = 0;

  /** Waits until a queue is due again. @returns whether one may be */
  async function waitForMore(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted || reader.idle().length === 0) return false;
    listens ??= await isListeningNeeded();
    const rung = listens ? await listener.wait(reader.idle(), signal) : undefined;
    if (rung) reader.ring(rung);
    return rung !== undefined;
  }

  async function read(signal: AbortSignal): Promise<Work | undefined> {
    for (;;) {
      const next = await source.next();
      if (next) {
        const { sweep, rest, jobOf } = await loadJobs(next, signal);
        source.putBack(rest);
        const readAt = clients.now();
        const outgoing = toOutgoing(sweep, { ...options, detectedAt: readAt, jobOf });
        // Behind the last one of those that came, there is nothing else to do for now.
        return { outgoing, readAt, size: sizeOf(sweep), canWait: listens === true && source.isCaughtUp() };
      }
      if (!(await waitForMore(signal))) return undefined;
    }
  }

  async function settle({ outgoing, readAt }: Work, signal: AbortSignal): Promise<Settled> {
    await checkpoints.writeLosses(outgoing.losses, readAt);
    const entries = outgoing.items.map(({ entry }) => entry);
    const oldest = count(report, outgoing, await clients.publish(entries, signal));
    entries.forEach(freeLarge);
    report.sweepDurations.push(clients.now().getTime() - readAt.getTime());
    return { positions: outgoing.positions, newest: report.newest, oldest };
  }

  async function save(settled: readonly Settled[]): Promise<void> {
    // After the end of a run that lost the lease, what it has settled is its successor's to save.
    if (signals.stop.reason instanceof SupersededError) throw signals.stop.reason;
    await checkpoints.save(new Map(settled.flatMap(({ positions }) => [...positions])));
    const newest = Math.max(...settled.map((sweep) => sweep.newest));
    if (newest > newestSaved) report.lag = clients.now().getTime() - newest;
    newestSaved = newest;
    const oldest = Math.min(...settled.map((sweep) => sweep.oldest));
    if (oldest < Infinity) report.oldestAge = Math.max(report.oldestAge ?? 0, clients.now().getTime() - oldest);
  }

  try {
    const wait = (signal: AbortSignal) => clients.wait(SAVE_AFTER, signal);
    await runPipeline<Work, Settled>({ read, settle, save, wait }, signals, 2 * sweepSize);
    lease.noteSaved();
    checkpoints.keep(reader.allReadAt);
    report.caughtUp = known.isWhole && source.isCaughtUp() && source.failures.size === 0;
  } catch (error) {
    if (!signals.stop.aborted || error instanceof BullbridgeError || error instanceof SupersededError) throw error;
    report.warnings.push(
      'The deadline came before all entries under way were settled; the next run sends those again.',
    );
  }
  await finish({ redis, prefix, cursors: checkpoints.cursors, reader, source, arrivals, keptBy }, report);
}
