import { randomUUID } from 'node:crypto';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import * as z from 'zod/mini';
import { type Config, readConfig } from '../config.ts';
import { ConfigError } from '../errors.ts';
import { likelyMisspelt } from '../event/filter.ts';
import { logger, metrics, record, recordOf } from '../telemetry.ts';
import { type Container, createContainer } from './clients.ts';
import { emptyReport, forward, type Report } from './run.ts';
import type { Shard } from './shard.ts';
import { total } from './sweep.ts';

/** What an invocation returns; events of the stream only. */
export interface ForwardResult {
  readonly published: number;
  readonly filtered: number;
  readonly parked: number;
  readonly lost: number;
  /** Queues of this shard. */
  readonly queues: number;
  readonly caughtUp: boolean;
  /** Another run has the lease; this one did nothing. */
  readonly leaseHeld?: true;
}

/** Time left for requests under way when no new sweep is begun any more, in milliseconds. */
const DRAIN_MARGIN = 10_000;
/** Time left for giving back the lease when everything is given up. */
const STOP_MARGIN = 1000;

let ready: Promise<{ config: Config; container: Container }> | undefined;

/** Once per container: configuration, clients, and that the bus exists. A failure is not kept, the next run tries again. */
async function prepare() {
  const config = readConfig(process.env);
  for (const { given, nearest } of likelyMisspelt(config.BULLBRIDGE_EVENTS)) {
    logger.warn(
      `BULLBRIDGE_EVENTS names "${given}", which BullMQ does not emit; did you mean "${nearest}"? It is taken for a custom event.`,
    );
  }
  if (config.BULLBRIDGE_TAIL === 'always') logger.warn('BULLBRIDGE_TAIL=always is not built yet; this run polls.');
  const container = createContainer(config);
  const warning = await container.checkBus();
  if (warning) logger.warn(warning);
  return { config, container };
}

async function run(event: unknown, context: Context): Promise<ForwardResult> {
  ready ??= prepare();
  const { config, container } = await ready.catch((error: unknown) => {
    ready = undefined;
    throw error;
  });
  const settings = {
    sourceName: config.BULLBRIDGE_SOURCE_NAME,
    prefix: config.BULLBRIDGE_PREFIX,
    queues: config.BULLBRIDGE_QUEUES,
    events: config.BULLBRIDGE_EVENTS,
    startFrom: config.BULLBRIDGE_START_FROM,
    sweepSize: config.BULLBRIDGE_SWEEP_SIZE,
  };
  const left = context.getRemainingTimeInMillis();
  const signals = {
    drain: AbortSignal.timeout(Math.max(left / 2, left - DRAIN_MARGIN)),
    stop: AbortSignal.timeout(Math.max(left * 0.75, left - STOP_MARGIN)),
  };
  const report = emptyReport();
  try {
    await forward(settings, toShard(event), container, randomUUID(), signals, report);
  } finally {
    tell(report, config, container.now());
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

/** Logs and measures a run, also one that failed. */
function tell(report: Report, config: Config, now: Date): void {
  for (const warning of report.warnings) logger.warn(warning);
  logger.info('run', { ...toResult(report), backlog: report.backlog });
  const sums = total(report);
  record('Published', sums.published);
  record('Filtered', sums.filtered);
  record('Parked', sums.parked);
  record('Lost', sums.lost);
  if (report.newest > 0) record('Lag', now.getTime() - report.newest);
  if (report.backlog !== undefined) record('Backlog', report.backlog);
  for (const duration of report.sweepDurations) record('SweepDuration', duration);
  if (!config.BULLBRIDGE_QUEUE_METRICS) return;
  for (const [queue, counts] of report.counts) {
    recordOf(queue, 'Published', counts.published);
    recordOf(queue, 'Filtered', counts.filtered);
    recordOf(queue, 'Parked', counts.parked);
    recordOf(queue, 'Lost', counts.lost);
  }
}

/** The Lambda function `forward`. */
export const handler = middy(run)
  .use(logMetrics(metrics))
  .use(injectLambdaContext(logger, { resetKeys: true }));
