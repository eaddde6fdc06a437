import type { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, MathExpression, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { metricOf } from '../../functions/event/job-metrics.ts';
import { dimensionValue, NAMESPACE } from '../../functions/metrics.ts';
import { check } from './check.ts';

/** Options of {@link Bullbridge.alarmOnFailures}: the queue, and the share of its jobs that may fail. */
export interface FailureAlarmOptions {
  /** The name of a queue that is forwarded. */
  readonly queue: string;

  /** The share of ended jobs that may fail, in percent. */
  readonly percent: number;

  /** The time over which jobs are counted: whole minutes, up to a day. */
  readonly over: Duration;
}

/** The parts of the props that the alarm depends on. */
interface Counted {
  readonly jobMetrics?: readonly string[] | undefined;
  readonly queues?: readonly string[] | undefined;
}

/** The share is computed from both. */
const NEEDED = ['completed', 'failed'];
/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html */
const MAX_MINUTES = 24 * 60;

/**
 * Creates an alarm that goes off when more than a given share of a queue's jobs failed.
 *
 * @throws Error that names the option, the given value and the allowed values
 */
export function createFailureAlarm(
  scope: Construct,
  id: string,
  { queue, percent, over }: FailureAlarmOptions,
  dimensions: Readonly<Record<string, string>>,
  { jobMetrics = [], queues }: Counted,
): Alarm {
  if (!NEEDED.every((event) => jobMetrics.includes(event))) {
    throw new Error(
      `jobMetrics must have "completed" and "failed" for an alarm on failures, got ${JSON.stringify(jobMetrics)}`,
    );
  }
  check('queue', queue, (name) => queues?.includes(name) ?? true, `one of the prop queues (${queues?.join(', ')})`);
  check('percent', percent, (value) => value >= 0 && value < 100, 'a number from 0 to less than 100');
  const minutes = over.toMinutes({ integral: false });
  check(
    'over',
    minutes,
    (value) => Number.isInteger(value) && value >= 1 && value <= MAX_MINUTES,
    'whole minutes, up to a day',
  );
  const counted = (event: string) =>
    new Metric({
      namespace: NAMESPACE,
      metricName: metricOf(event),
      dimensionsMap: { ...dimensions, queue: dimensionValue(queue) },
      statistic: Stats.SUM,
      period: over,
    });
  const metric = new MathExpression({
    label: `Failed jobs of ${queue}, in percent`,
    // No data if no job ended.
    expression: '100 * FILL(failed, 0) / (FILL(failed, 0) + FILL(completed, 0))',
    usingMetrics: { failed: counted('failed'), completed: counted('completed') },
    period: over,
  });
  return new Alarm(scope, id, {
    metric,
    threshold: percent,
    comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
    evaluationPeriods: 1,
    treatMissingData: TreatMissingData.NOT_BREACHING,
    alarmDescription: `More than ${percent} % of the jobs of the queue "${queue}" that ended within ${minutes} minutes failed.`,
  });
}
