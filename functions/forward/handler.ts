import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import { ConfigError } from '../errors.ts';
import { likelyMisspelt } from '../event/filter.ts';
import { createHandler, type Invocation, isOnLambda } from '../invocation.ts';
import type { Config } from '../settings.ts';
import { detailSettings } from '../settings.ts';
import { logger, record, recordEvents, recordOf } from '../telemetry.ts';
import { emptyReport, type Report, total } from './report.ts';
import { forward } from './run.ts';
import type { Shard } from './shard.ts';
import { warmUp } from './warm-up.ts';

/** The result of an invocation; the counts do not include bullbridge's own events. */
export interface ForwardResult {
  readonly published: number;
  readonly filtered: number;
  readonly parked: number;
  readonly lost: number;
  /** Queues of this shard. */
  readonly queues: number;
  readonly caughtUp: boolean;
  /** Another run has the lease, so this run did nothing. */
  readonly leaseHeld?: true;
}

function warn(config: Config): void {
  const named = {
    BULLBRIDGE_EVENTS: config.BULLBRIDGE_EVENTS,
    BULLBRIDGE_JOB_FIELDS: [...(config.BULLBRIDGE_JOB_FIELDS?.keys() ?? [])],
  };
  for (const [variable, events] of Object.entries(named)) {
    for (const { given, nearest } of likelyMisspelt(events)) {
      logger.warn(
        `${variable} names "${given}", which BullMQ does not emit; did you mean "${nearest}"? It is treated as a custom event.`,
      );
    }
  }
}

async function run({ payload, config, container, bus, signals, memory }: Invocation): Promise<ForwardResult> {
  const settings = {
    sourceName: config.BULLBRIDGE_SOURCE_NAME,
    prefix: config.BULLBRIDGE_PREFIX,
    queues: config.BULLBRIDGE_QUEUES,
    events: config.BULLBRIDGE_EVENTS,
    startFrom: config.BULLBRIDGE_START_FROM,
    sweepSize: config.BULLBRIDGE_SWEEP_SIZE,
    tail: config.BULLBRIDGE_TAIL,
    interval: config.BULLBRIDGE_INTERVAL_SECONDS * 1000,
    counted: config.BULLBRIDGE_JOB_METRICS,
    memory,
    details: detailSettings(config),
  };
  const shard = toShard(payload);
  const report = emptyReport();
  try {
    await forward(settings, shard, { ...container, bus, countEvents: recordEvents }, randomUUID(), signals, report);
  } finally {
    publishReport(report, config, shard);
  }
  return toResult(report);
}

const Payload = z.object({
  shard: z._default(z.object({ index: z.int().check(z.minimum(0)), count: z.int().check(z.minimum(1)) }), {
    index: 0,
    count: 1,
  }),
});

function toShard(event: unknown): Shard {
  const payload = Payload.safeParse(event ?? {});
  if (payload.success && payload.data.shard.index < payload.data.shard.count) return payload.data.shard;
  const allowed = 'nothing, or { "shard": { "index": 0, "count": 1 } } with whole numbers, index from 0 to count - 1';
  throw new ConfigError([`the payload is ${JSON.stringify(event)}; it must be ${allowed}`]);
}

function toResult(report: Report): ForwardResult {
  const { queues, caughtUp, leaseHeld } = report;
  return { ...total(report), queues, caughtUp, ...(leaseHeld && { leaseHeld }) };
}

/** Runs in a row that did nothing, by shard; only runs of this container. */
const heldInARow = new Map<number, number>();

/**
 * @returns the number of runs in a row, including this one, that did nothing because another run had or took the lease
 */
function countHeld({ leaseHeld, superseded, ...report }: Report, { index }: Shard): number {
  const { published, filtered, parked } = total(report);
  const isHeld = leaseHeld || (superseded && published + filtered + parked === 0);
  heldInARow.set(index, isHeld ? (heldInARow.get(index) ?? 0) + 1 : 0);
  return heldInARow.get(index) ?? 0;
}

/** Writes the logs and metrics of a run, also of a failed run. */
function publishReport(report: Report, config: Config, shard: Shard): void {
  for (const warning of report.warnings) logger.warn(warning);
  const [fullest] = [...(report.retentionUsed ?? [])].sort(([, a], [, b]) => b - a);
  logger.info('run', { ...toResult(report), backlog: report.backlog, fullest });
  const sums = total(report);
  record('Published', sums.published);
  record('Filtered', sums.filtered);
  record('Parked', sums.parked);
  record('Lost', sums.lost);
  record('Incidents', report.incidents);
  record('Held', countHeld(report, shard));
  if (!report.leaseHeld) record('Queues', report.queues);
  if (!report.leaseHeld) record('Missing', report.missing.length);
  if (report.lag !== undefined) record('Lag', report.lag);
  if (report.oldestAge !== undefined) record('OldestAge', report.oldestAge);
  if (report.backlog !== undefined) record('Backlog', report.backlog);
  if (report.retentionUsed) record('RetentionUsed', fullest?.[1] ?? 0);
  for (const duration of report.sweepDurations) record('SweepDuration', duration);
  if (!config.BULLBRIDGE_QUEUE_METRICS) return;
  for (const [queue, counts] of report.counts) {
    recordOf(queue, 'Published', counts.published);
    recordOf(queue, 'Filtered', counts.filtered);
    recordOf(queue, 'Parked', counts.parked);
    recordOf(queue, 'Lost', counts.lost);
  }
  for (const [queue, used] of report.retentionUsed ?? []) recordOf(queue, 'RetentionUsed', used);
}

// If it fails, the first run is only slower.
if (isOnLambda) await warmUp().catch(() => {});

/** The Lambda function `forward`. */
export const handler = createHandler(run, warn);
