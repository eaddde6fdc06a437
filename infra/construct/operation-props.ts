import type { IAlarmAction } from 'aws-cdk-lib/aws-cloudwatch';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { BullmqEventName } from '../../functions/event/catalogue.ts';

/** How a {@link Bullbridge} is watched and run. */
export interface OperationProps {
  /**
   * Whether metrics also come for each queue. CloudWatch charges for every one of them.
   *
   * @default false
   */
  readonly queueMetrics?: boolean;

  /**
   * Events to count for each queue, forwarded or not: `['completed', 'failed', 'stalled']`. Each is a metric of
   * CloudWatch, such as `JobCompleted`, with the dimension `queue`.
   *
   * @default - none
   */
  readonly jobMetrics?: readonly BullmqEventName[];

  /**
   * Whether alarms are made, 14 of them: what was lost, is late, is parked, fails or stops, each with an article in the
   * runbook.
   *
   * CloudWatch charges $0.10 a month for each beyond the account's first ten.
   *
   * @default true
   */
  readonly alarms?: boolean;

  /**
   * The page that alarms link to: it has an article for each, whose anchor is the name of the alarm, such as
   * `#events-lost`.
   *
   * @default - the page of this version of bullbridge
   */
  readonly runbookUrl?: string;

  /**
   * What an alarm does when it goes off and when it is over, such as `new SnsAction(topic)`.
   *
   * @default - the alarms only change their state
   */
  readonly alarmAction?: IAlarmAction;

  /**
   * Whether a dashboard is made. The first three of an account cost nothing, each other one $3 a month.
   *
   * @default true
   */
  readonly dashboard?: boolean;

  /**
   * Whether X-Ray traces the functions.
   *
   * @default false
   */
  readonly tracing?: boolean;

  /**
   * Memory of each function in MB; its share of a processor grows with it.
   *
   * @default 256
   */
  readonly memorySize?: number;

  /**
   * How long logs are kept.
   *
   * @default RetentionDays.ONE_MONTH
   */
  readonly logRetention?: RetentionDays;

  /**
   * Whether the schedules start runs. `false` pauses: positions stay, and with `true` runs continue from them.
   *
   * Redis goes on trimming streams meanwhile.
   *
   * @default true
   */
  readonly enabled?: boolean;

  /**
   * Concurrency that is reserved for the function that forwards, so that others of the account cannot use it up.
   *
   * Two for each shard are enough: a run begins before the last one has ended.
   *
   * @default - none is reserved
   */
  readonly reservedConcurrentExecutions?: number;
}
