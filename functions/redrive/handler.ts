import { createHandler, type Invocation } from '../invocation.ts';
import { logger, record } from '../telemetry.ts';
import { readPayload } from './payload.ts';
import { emptyReport, type Report, redrive } from './redrive.ts';
import type { Group, Sample } from './survey.ts';

/** The result of an invocation. */
export interface RedriveResult {
  /** Dead letters that the bus accepted; in a dry run, dead letters that would be sent. */
  readonly redriven: number;
  /** Dead letters that the bus refused again; they are in the queue again. */
  readonly failed: number;
  /**
   * Messages that stay in the queue, including those that failed again; in a dry run, messages that would stay.
   *
   * The number is exact if the run went through the whole queue. If `max` or the deadline ended it before, SQS reports
   * the number of the remaining messages only approximately and some seconds late.
   */
  readonly left: number;
  /** Only in a dry run: the dead letters that it would send, by queue and error code, the largest group first. */
  readonly groups?: readonly Group[];
  /** Only in a dry run: the first ten dead letters that it would send. */
  readonly samples?: readonly Sample[];
}

async function run({ payload, container, bus, signals }: Invocation): Promise<RedriveResult> {
  const selection = readPayload(payload);
  const report = emptyReport();
  try {
    await bus.confirm();
    await redrive(selection, container, signals, report);
  } finally {
    publishReport(report);
  }
  return selection.dryRun ? { ...toResult(report), groups: report.groups, samples: report.samples } : toResult(report);
}

function toResult({ redriven, failed, left }: Report) {
  return { redriven, failed, left };
}

/** Writes the logs and metrics of a run, also of a failed run. */
function publishReport(report: Report): void {
  for (const warning of report.warnings) logger.warn(warning);
  logger.info('redrive', { ...toResult(report) });
  record('Redriven', report.redriven);
  record('RedriveFailed', report.failed);
}

/** The Lambda function `redrive`. */
export const handler = createHandler(run);
