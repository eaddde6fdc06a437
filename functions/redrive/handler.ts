import { createHandler, type Invocation } from '../invocation.ts';
import { logger, record } from '../telemetry.ts';
import { readPayload } from './payload.ts';
import { emptyReport, type Report, redrive } from './redrive.ts';
import type { Group, Sample } from './survey.ts';

/** What an invocation returns. */
export interface RedriveResult {
  /** Parked events that the bus accepted; in a dry run, those that would be sent. */
  readonly redriven: number;
  /** Parked events that the bus refused again; they are in the queue again. */
  readonly failed: number;
  /**
   * Messages that stay in the queue, those that failed again among them; in a dry run, those that would stay.
   *
   * Exact when the run went through the whole queue. When it ended before, by `max` or by its deadline, it is what SQS
   * tells of the messages that were not looked at: about how many, and some seconds late.
   */
  readonly left: number;
  /** Of a dry run: what it would send, by queue and error code, the largest group first. */
  readonly groups?: readonly Group[];
  /** Of a dry run: the first ten of what it would send. */
  readonly samples?: readonly Sample[];
}

async function run({ payload, container, bus, signals }: Invocation): Promise<RedriveResult> {
  const selection = readPayload(payload);
  const report = emptyReport();
  try {
    await bus.confirm();
    await redrive(selection, container, signals, report);
  } finally {
    tell(report);
  }
  return selection.dryRun ? { ...toResult(report), groups: report.groups, samples: report.samples } : toResult(report);
}

function toResult({ redriven, failed, left }: Report) {
  return { redriven, failed, left };
}

/** Logs and measures a run, also one that failed. */
function tell(report: Report): void {
  for (const warning of report.warnings) logger.warn(warning);
  logger.info('redrive', { ...toResult(report) });
  record('Redriven', report.redriven);
  record('RedriveFailed', report.failed);
}

/** The Lambda function `redrive`. */
export const handler = createHandler(run);
