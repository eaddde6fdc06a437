import { seenWholeAt } from '../checkpoint/first-run.ts';
import { openGaps, type Recovery } from '../checkpoint/ledger.ts';
import { createPatientClient } from '../checkpoint/patient-table.ts';
import { withLease } from '../checkpoint/with-lease.ts';
import type { Clients } from '../clients.ts';
import { BullbridgeError, RedisError, type RedisErrorCode } from '../errors.ts';
import type { DetailSettings } from '../event/detail-settings.ts';
import { createFilter, type EventSelection } from '../event/filter.ts';
import type { Signals } from '../invocation.ts';
import type { RedisConnection } from '../redis/port.ts';
import { recoverGap } from './gap.ts';
import { formatPlace, OUTCOMES } from './place.ts';
import { type RecoveredCounts, recover } from './recover.ts';
import type { RangeRequest } from './request.ts';

export interface ReconcileSettings {
  readonly sourceName: string;
  readonly prefix: string;
  readonly events: EventSelection;
  /** The largest difference between the clocks of Redis and of workers, in milliseconds. */
  readonly clockSkew: number;
  /** @default all fields of the event, no fields of the job */
  readonly details?: DetailSettings;
}

/** The report of a run, updated as the run proceeds, so that a failed run is also reported. */
export interface Report {
  /** Events published in this run. */
  completed: number;
  failed: number;
  /** The gaps that were closed in this run, each with its recovery as a whole. */
  readonly closed: {
    readonly queue: string;
    readonly afterId: string;
    readonly lost: number;
    readonly recovery: Recovery;
  }[];
  /** Gaps that are still open; absent for the run of a range. */
  openGaps?: number;
  caughtUp: boolean;
  /** Whether another run has the lease, so this run did nothing. */
  leaseHeld: boolean;
  /** Where the run of a range stopped. */
  cursor?: string;
  /** Messages for the log that are not failures. */
  readonly warnings: string[];
}

export function emptyReport(): Report {
  return { completed: 0, failed: 0, closed: [], caughtUp: false, leaseHeld: false, warnings: [] };
}

/** Errors that concern a single queue; other queues are still recovered. */
const OF_ONE_QUEUE: readonly RedisErrorCode[] = ['REDIS_PERMISSION', 'REDIS_WRONG_TYPE'];

/**
 * Recovers all open gaps, one after the other, until none is left, the run is told to drain, or another run waits for
 * the lease.
 *
 * @param owner the name of this run in the lease, unique to the run
 * @throws {BullbridgeError} for a fault that an operator must fix; open gaps stay open
 */
export async function reconcileGaps(
  settings: ReconcileSettings,
  clients: Clients,
  owner: string,
  signals: Signals,
  report: Report,
): Promise<void> {
  const { sourceName, prefix } = settings;
  const warn = (message: string) => report.warnings.push(message);
  const dynamodb = createPatientClient(clients.dynamodb, { wait: clients.wait, signal: signals.stop, warn });
  const table = { ...clients, client: dynamodb };
  const ending = await withLease(
    table,
    `${sourceName}/${prefix}/reconcile`,
    { owner, signals, warn },
    async ({ handOver, lost }) => {
      const drain = AbortSignal.any([signals.drain, handOver, lost]);
      await untilStopped(signals, report, () =>
        recoverGaps(settings, { ...clients, dynamodb }, { ...signals, drain }, report),
      );
    },
  );
  report.leaseHeld = ending === 'held';
}

async function recoverGaps(settings: ReconcileSettings, clients: Clients, signals: Signals, report: Report) {
  const { sourceName, prefix, clockSkew, details } = settings;
  const ledger = { client: clients.dynamodb, table: clients.table, sourceName, prefix };
  let connected: Promise<RedisConnection> | undefined;
  let startedAt: number | undefined;
  const options = {
    outcomes: OUTCOMES.filter(createFilter(settings.events)),
    clockSkew,
    details,
    redis: () => {
      connected ??= clients.connectRedis();
      return connected;
    },
    onRecovered: (counts: RecoveredCounts) => add(report, counts),
  };
  const failures: Error[] = [];
  report.openGaps = 0;
  try {
    for await (const gap of openGaps(ledger)) {
      report.openGaps += 1;
      if (signals.drain.aborted) continue;
      // Without `*`, there is no such time: the rows of gaps have their own beginning.
      startedAt ??= (await seenWholeAt(ledger, settings)) ?? 0;
      const recovery = await recoverGap(ledger, gap, clients, { ...options, startedAt }, signals).catch(
        (error: Error) => {
          if (!(error instanceof RedisError && OF_ONE_QUEUE.includes(error.code))) throw error;
          failures.push(error);
        },
      );
      if (!recovery) continue;
      report.openGaps -= 1;
      report.closed.push({ queue: gap.queue, afterId: gap.afterId, lost: gap.lost, recovery });
    }
  } finally {
    (await connected?.catch(() => undefined))?.close();
  }
  for (const failure of failures) throw failure;
  report.caughtUp = report.openGaps === 0;
}

/**
 * Publishes the last events of the jobs of a queue that finished within a time range, whatever the stream and the
 * ledger have.
 *
 * It does not write to the table, so it needs no lease and can run at the same time as any other run.
 * @throws {BullbridgeError} for a fault that an operator must fix
 */
export async function reconcileRange(
  { sourceName, prefix, events, details }: ReconcileSettings,
  { queue, since, until, start }: RangeRequest,
  clients: Clients,
  signals: Signals,
  report: Report,
): Promise<void> {
  const outcomes = OUTCOMES.filter(createFilter(events));
  const [first] = outcomes;
  if (first) report.cursor = formatPlace(start ?? { outcome: first, score: since });
  const redis = await clients.connectRedis();
  try {
    await untilStopped(signals, report, async () => {
      report.caughtUp = await recover(
        {
          details,
          redis,
          publish: clients.publish,
          origin: { sourceName, prefix, queue },
          outcomes,
          window: { from: since, to: until, isDoubtful: () => true },
          start,
          onSettled: async (place, counts) => {
            add(report, counts);
            report.cursor = formatPlace(place);
            return true;
          },
        },
        signals,
      );
    });
  } finally {
    redis.close();
  }
  if (report.caughtUp) delete report.cursor;
}

function add(report: Report, counts: RecoveredCounts): void {
  report.completed += counts.completed;
  report.failed += counts.failed;
}

/** Runs work; a deadline in the middle of a page is not a failure. */
async function untilStopped({ stop }: Signals, report: Report, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!stop.aborted || error instanceof BullbridgeError) throw error;
    report.warnings.push('The deadline came before the last page was settled; the next run sends it again.');
  }
}
