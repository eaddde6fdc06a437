import type { BusWatch } from '../bus/bus-watch.ts';
import { createPatientClient } from '../checkpoint/patient-table.ts';
import { SupersededError } from '../checkpoint/superseded.ts';
import { type HeldLease, withLease } from '../checkpoint/with-lease.ts';
import type { Clients, Container } from '../clients.ts';
import { BullbridgeError } from '../errors.ts';
import type { Signals } from '../invocation.ts';
import { createPatientConnection } from '../redis/patient.ts';
import type { RedisConnection } from '../redis/port.ts';
import type { Discovery } from '../stream/discovery.ts';
import { createStreamReader } from '../stream/reader.ts';
import { readStates } from '../stream/states.ts';
import { createArrivals } from './arrivals.ts';
import { openCheckpoints } from './checkpoints.ts';
import { finish } from './finish.ts';
import { createListener } from './listen.ts';
import { runPipeline } from './pipeline.ts';
import type { Report } from './report.ts';
import type { ForwardSettings } from './settings.ts';
import type { Shard } from './shard.ts';
import { createSource } from './source.ts';
import { type CountEvents, createStages } from './stages.ts';
import { createCapacityReader } from './stream-capacity.ts';
import { createTail } from './tail.ts';

/** Bytes of a sweep's entries. Two sweeps and the pages read ahead are in memory at once, each in several copies. */
const SWEEP_BYTES = 4 * 1024 * 1024;
/** Copies of an entry that can be in memory at once: entries of 10 MB in a row take 224 MB of 256 (measured). */
const ENTRIES_IN_MEMORY = 24;

/** The clients of a run. */
export interface ForwardClients extends Pick<Container, keyof Clients | 'discoverQueues' | 'checkpoints'> {
  readonly bus: BusWatch;
  readonly countEvents?: CountEvents;
}

/**
 * Forwards the entries behind the saved positions of a shard's queues, until all queues are caught up or the run is
 * told to drain.
 *
 * A run that listens does so until the next run waits for the lease. The run waits until outages of Redis, the table
 * and the bus are over, or until it must end. It looks for queues before it takes the lease, so that a long scan does
 * not keep other runs from reading.
 *
 * @param owner the name of this run in the lease, unique to the run
 * @throws {BullbridgeError} for a fault that an operator must fix; positions never move past entries that are not
 * settled
 */
export async function forward(
  settings: ForwardSettings,
  shard: Shard,
  container: ForwardClients,
  owner: string,
  signals: Signals,
  report: Report,
): Promise<void> {
  const { sourceName, prefix, interval, queues } = settings;
  const { wait } = container;
  const leaseKey = `${sourceName}/${prefix}/shard/${shard.index}/${shard.count}`;
  const warn = (message: string) => report.warnings.push(message);
  const redis = createPatientConnection(container.connectRedis, { wait, signal: signals.drain, warn });
  const dynamodb = createPatientClient(container.dynamodb, { wait, signal: signals.stop, warn });
  const clients = { ...container, dynamodb };
  try {
    const known = queues === '*' ? await clients.discoverQueues(redis, signals.drain) : { queues, isWhole: true };
    if (known.isWhole && known.queues.length === 0) warn(`No queue was found under the prefix "${prefix}".`);
    const table = { ...clients, client: dynamodb };
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

interface Run {
  readonly settings: ForwardSettings;
  readonly shard: Shard;
  readonly clients: ForwardClients;
  readonly redis: RedisConnection;
  readonly known: Discovery;
  readonly lease: HeldLease;
  readonly report: Report;
}

async function forwardQueues(run: Run, signals: Signals): Promise<void> {
  const { settings, shard, clients, redis, known, lease, report } = run;
  const { prefix, interval, sweepSize } = settings;
  const warn = (message: string) => report.warnings.push(message);
  const statesOf = (queues: readonly string[]) => readStates(redis, queues, prefix);
  const checkpoints = await openCheckpoints(clients, settings, lease, shard, known, statesOf);
  const { cursors, allReadAt } = checkpoints;
  report.queues = cursors.length;
  const maxEntryBytes = settings.memory / ENTRIES_IN_MEMORY;
  const reader = createStreamReader(redis, cursors, { ...settings, ...clients, allReadAt, maxEntryBytes });
  const arrivals = createArrivals(interval);
  const source = createSource(reader, arrivals, { entries: sweepSize, bytes: SWEEP_BYTES });
  const capacitiesOf = createCapacityReader(redis, prefix);
  using listener = createListener(clients, prefix, signals.drain, warn);
  const tail = createTail({ settings, ...clients, reader, arrivals, capacitiesOf, listener, warn });
  const { bus, countEvents } = clients;
  const stages = createStages({
    settings,
    clients,
    redis,
    source,
    tail,
    checkpoints,
    bus,
    countEvents,
    report,
    stop: signals.stop,
  });
  await bus.confirm();
  try {
    await runPipeline(stages, signals, 2 * sweepSize);
    lease.noteSaved();
    checkpoints.keep(reader.allReadAt);
    report.caughtUp = known.isWhole && source.isCaughtUp() && source.failures.size === 0;
  } catch (error) {
    if (signals.stop.reason instanceof SupersededError) throw signals.stop.reason;
    if (!signals.stop.aborted || error instanceof BullbridgeError || error instanceof SupersededError) throw error;
    const unsettled = 'The deadline came before all entries were settled; the next run sends the unsettled ones again.';
    report.warnings.push(unsettled);
  }
  await finish({ redis, prefix, cursors, reader, source, arrivals, capacitiesOf }, report);
}
