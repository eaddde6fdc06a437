import { randomUUID } from 'node:crypto';
import { createHandler, type Invocation } from '../invocation.ts';
import { detailSettings } from '../settings.ts';
import { logger, record } from '../telemetry.ts';
import { toRequest } from './request.ts';
import { emptyReport, type Report, reconcileGaps, reconcileRange } from './run.ts';

/** The result of an invocation. */
export interface ReconcileResult {
  /** Gaps that were closed in this run. */
  readonly gaps: number;
  /** `Job Completed` events published in this run. */
  readonly completed: number;
  /** `Job Failed` events published in this run. */
  readonly failed: number;
  /** Lost events of the closed gaps that cannot be recovered, because Redis has no trace of them. */
  readonly unknown: number;
  readonly caughtUp: boolean;
  /** The cursor for the next invocation with the same queue and times, if this run did not finish. */
  readonly cursor?: string;
  /** Another run has the lease, so this run did nothing. */
  readonly leaseHeld?: true;
}

async function run({ payload, config, container, bus, signals }: Invocation): Promise<ReconcileResult> {
  const settings = {
    sourceName: config.BULLBRIDGE_SOURCE_NAME,
    prefix: config.BULLBRIDGE_PREFIX,
    events: config.BULLBRIDGE_EVENTS,
    clockSkew: config.BULLBRIDGE_CLOCK_SKEW_MS,
    details: detailSettings(config),
  };
  const request = toRequest(payload);
  const report = emptyReport();
  try {
    await bus.confirm();
    if (request) await reconcileRange(settings, request, container, signals, report);
    else await reconcileGaps(settings, container, randomUUID(), signals, report);
  } finally {
    publishReport(report);
  }
  return toResult(report);
}

function toResult({ closed, completed, failed, caughtUp, cursor, leaseHeld }: Report): ReconcileResult {
  return {
    gaps: closed.length,
    completed,
    failed,
    unknown: closed.reduce((sum, { recovery }) => sum + recovery.unknown, 0),
    caughtUp,
    ...(cursor !== undefined && { cursor }),
    ...(leaseHeld && { leaseHeld }),
  };
}

/** Writes the logs and metrics of a run, also of a failed run. */
function publishReport(report: Report): void {
  for (const warning of report.warnings) logger.warn(warning);
  for (const { recovery, ...gap } of report.closed) logger.info('gap closed', { ...gap, ...recovery });
  logger.info('run', { ...toResult(report), openGaps: report.openGaps });
  record('Recovered', report.completed + report.failed);
  if (report.openGaps !== undefined) record('OpenGaps', report.openGaps);
}

/** The Lambda function `reconcile`. */
export const handler = createHandler(run);
