import type { IAlarmAction } from 'aws-cdk-lib/aws-cloudwatch';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { BullmqEventName } from '../../functions/event/catalogue.ts';

/** Props of a {@link Bullbridge} for its metrics, alarms, logs and schedules. */
export interface OperationProps {
  /**
   * Whether there are also metrics for each queue. CloudWatch charges for each of these metrics.
   *
   * @default false
   */
  readonly queueMetrics?: boolean;

  /**
   * Names of events to count for each queue, forwarded or not, such as `['completed', 'failed', 'stalled']`. Each
   * becomes a CloudWatch metric, such as `JobCompleted`, with the dimension `queue`.
   *
   * @default - no event is counted
   */
  readonly jobMetrics?: readonly BullmqEventName[];

  /**
   * Whether to create the 14 alarms: for events that are lost, late or parked, and for functions that fail or stop. The
   * runbook has an article for each.
   *
   * CloudWatch charges $0.10 a month for each alarm after the first ten of the account.
   *
   * @default true
   */
  readonly alarms?: boolean;

  /**
   * The page that alarms link to. It needs an article for each alarm, with the name of the alarm as its anchor, such as
   * `#events-lost`.
   *
   * @default - the page of this version of bullbridge
   */
  readonly runbookUrl?: string;

  /**
   * The action of each alarm when it goes off and when it ends, such as `new SnsAction(topic)`.
   *
   * @default - no action; the alarms only change their state
   */
  readonly alarmAction?: IAlarmAction;

  /**
   * Whether to create a dashboard.
   *
   * CloudWatch charges $3 a month for each dashboard after the first three of the account.
   *
   * @default true
   */
  readonly dashboard?: boolean;

  /**
   * Whether the schemas of the forwarded events are put into a registry of EventBridge, from which the console and IDEs
   * generate code. The registry costs nothing.
   *
   * @default false
   */
  readonly schemaRegistry?: boolean;

  /**
   * Whether X-Ray traces the functions.
   *
   * @default false
   */
  readonly tracing?: boolean;

  /**
   * Memory of each function in MB. Lambda gives a function with more memory a larger share of a processor.
   *
   * With BullMQ's default retention, 256 MB keep up with 1,500 jobs per second, 512 MB with 3,000, and 1,024 MB with
   * 4,000 (measured, see docs/benchmarks.md).
   *
   * @default 256
   */
  readonly memorySize?: number;

  /**
   * How long CloudWatch keeps the logs.
   *
   * @default RetentionDays.ONE_MONTH
   */
  readonly logRetention?: RetentionDays;

  /**
   * Whether the schedules start runs. `false` pauses them: positions stay, and runs continue from there once this is
   * `true` again.
   *
   * Redis continues to trim streams during the pause.
   *
   * @default true
   */
  readonly enabled?: boolean;

  /**
   * Concurrency reserved for the forward function, so that other functions of the account cannot use it up.
   *
   * Two for each shard are enough: a run can start before the last one has ended.
   *
   * @default - no concurrency is reserved
   */
  readonly reservedConcurrentExecutions?: number;
}
