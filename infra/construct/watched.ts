import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { MetricName } from '../../functions/metrics.ts';

/** The resources that alarms and the dashboard watch. */
export interface Watched {
  readonly forwardFunction: LambdaFunction;
  readonly reconcileFunction: LambdaFunction;
  readonly redriveFunction: LambdaFunction;
  readonly deadLetterQueue: IQueue;
  readonly table: ITable;
  metric(name: MetricName, options?: MetricOptions): Metric;
}
