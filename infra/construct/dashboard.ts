import { Duration, Tokenization } from 'aws-cdk-lib';
import {
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IAlarm,
  type IMetric,
  type IWidget,
  MathExpression,
  Metric,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { CfnFunction, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { Watched } from './watched.ts';

export interface DashboardOptions {
  readonly watched: Watched;
  /** Time from one run of the forward function to the next: one point in a graph. */
  readonly interval: Duration;
  readonly alarms: readonly IAlarm[];
}

/** Three graphs in a row. */
const WIDTH = 8;

/** The dashboard: throughput, backlog, failures and cost. */
export function createDashboard(scope: Construct, id: string, options: DashboardOptions): Dashboard {
  const { alarms } = options;
  const status =
    alarms.length > 0 ? [[new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms], width: 24 })]] : [];
  return new Dashboard(scope, id, {
    defaultInterval: Duration.hours(3),
    widgets: [...status, ...eventRows(options), ...functionRows(options)],
  });
}

function eventRows({ watched, interval }: DashboardOptions): IWidget[][] {
  const metric = (...[name]: Parameters<Watched['metric']>) => watched.metric(name, { period: interval, label: name });
  const full = { value: 100, label: 'events are lost', color: '#d13212' };
  return [
    [
      graph('Events', [metric('Published'), metric('Filtered'), metric('Parked')]),
      graph('Lag (ms)', [metric('Lag'), metric('OldestAge'), metric('SweepDuration')]),
      new GraphWidget({
        title: 'Backlog, and its share of a stream',
        width: WIDTH,
        left: [metric('Backlog')],
        right: [metric('RetentionUsed')],
        rightAnnotations: [full],
        leftYAxis: { min: 0 },
        rightYAxis: { min: 0, label: '%', showUnits: false },
      }),
    ],
    [
      graph('Losses', [metric('Lost'), metric('Incidents'), metric('Recovered'), metric('OpenGaps')]),
      graph('Dead letters', [
        watched.deadLetterQueue.metricApproximateNumberOfMessagesVisible({ label: 'in the queue' }),
        metric('Redriven'),
        metric('RedriveFailed'),
      ]),
      graph('Events paid for', [metric('Published'), metric('Recovered'), metric('Redriven'), metric('Incidents')]),
    ],
  ];
}

function functionRows({ watched, interval }: DashboardOptions): IWidget[][] {
  const functions = {
    forward: watched.forwardFunction,
    reconcile: watched.reconcileFunction,
    redrive: watched.redriveFunction,
  };
  const ofEach = (metricOf: (fn: LambdaFunction, label: string) => IMetric) =>
    Object.entries(functions).map(([name, fn]) => metricOf(fn, name));
  const options = (label: string) => ({ period: interval, label });
  const { table } = watched;
  return [
    [
      graph(
        'Errors',
        ofEach((fn, name) => fn.metricErrors(options(name))),
      ),
      graph(
        'Throttles',
        ofEach((fn, name) => fn.metricThrottles(options(name))),
      ),
      graph(
        'Duration (ms)',
        ofEach((fn, name) => fn.metricDuration({ ...options(name), statistic: 'Maximum' })),
      ),
    ],
    [
      graph(
        'Invocations',
        ofEach((fn, name) => fn.metricInvocations(options(name))),
      ),
      graph(
        'GB-seconds',
        ofEach((fn, name) => gigabyteSeconds(fn, options(name))),
      ),
      graph(
        'Log bytes',
        ofEach((fn, name) => logBytes(fn, options(name))),
      ),
    ],
    [
      graph('Table units', [
        table.metricConsumedReadCapacityUnits({ ...options('read'), statistic: 'Sum' }),
        table.metricConsumedWriteCapacityUnits({ ...options('written'), statistic: 'Sum' }),
      ]),
      graph(
        'Queues',
        (['Queues', 'Missing'] as const).map((name) => watched.metric(name, options(name))),
      ),
      graph('Runs in a row that did nothing', [watched.metric('Held', options('Held'))]),
    ],
  ];
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, width: WIDTH, left, leftYAxis: { min: 0 } });
}

interface SeriesOptions {
  readonly period: Duration;
  readonly label: string;
}

/** The bytes of this log group: the metric of the CDK has no dimension, so it covers the whole account. */
function logBytes({ logGroup }: LambdaFunction, options: SeriesOptions): IMetric {
  const dimensionsMap = { LogGroupName: logGroup.logGroupName };
  return new Metric({
    namespace: 'AWS/Logs',
    metricName: 'IncomingBytes',
    statistic: 'Sum',
    dimensionsMap,
    ...options,
  });
}

/** Lambda charges for GB-seconds and for invocations. */
function gigabyteSeconds(fn: LambdaFunction, options: SeriesOptions): IMetric {
  const { memorySize = 128 } = fn.node.defaultChild as CfnFunction;
  return new MathExpression({
    ...options,
    expression: `${options.label} / 1000 * ${Tokenization.stringifyNumber(memorySize)} / 1024`,
    usingMetrics: { [options.label]: fn.metricDuration({ period: options.period, statistic: 'Sum' }) },
  });
}
