import { Duration, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { beforeAll, describe, expect, test } from 'vitest';
import { dimensionsOf } from '../../../functions/metrics.ts';
import { readConfig } from '../../../functions/settings.ts';
import { RUNBOOK_URL } from '../../../infra/construct/alarms.ts';
import { adminRedis } from '../../redis.ts';
import { testStack } from '../../stack.ts';
import { createStack, synthesize } from '../synth.ts';
import { alarmMetrics, dashboardMetrics, emittedMetrics } from './cloudwatch.ts';

let template: Template;

beforeAll(() => {
  template = synthesize();
});

interface AlarmProperties {
  readonly Period: number;
  readonly EvaluationPeriods: number;
  readonly DatapointsToAlarm: number;
  readonly TreatMissingData: string;
  readonly AlarmActions?: unknown[];
  readonly OKActions?: unknown[];
}

/** The alarms of a template, by their own names. */
function alarmsOf(from: Template): Record<string, AlarmProperties> {
  return Object.fromEntries(
    Object.entries(from.findResources('AWS::CloudWatch::Alarm')).map(([id, { Properties }]) => [
      /^BullbridgeAlarms(\w+)\w{8}$/.exec(id)?.[1],
      Properties,
    ]),
  );
}

const linksOf = (from: Template) =>
  Object.values(from.findResources('AWS::CloudWatch::Alarm')).map(
    ({ Properties }) => /See (\S+)$/.exec(Properties['AlarmDescription'])?.[1],
  );

const ownMetrics = (from: Template) =>
  [...alarmMetrics(from), ...dashboardMetrics(from)].filter(({ namespace }) => namespace === 'bullbridge');

describe('alarms and dashboard', () => {
  test('use only metrics that the functions emit, with the dimensions that they emit', async () => {
    const stack = await testStack({ BULLBRIDGE_DEPLOYMENT: 'Test/Bullbridge' });
    const admin = adminRedis();
    await admin.hset(`${stack.prefix}:emails:meta`, 'opts.maxLenEvents', 10_000);
    await admin.xadd(`${stack.prefix}:emails:events`, '*', 'event', 'completed', 'jobId', '1', 'returnvalue', '{}');
    await stack.forward.invoke({});
    await stack.reconcile.invoke({});
    await stack.redrive.invoke({});

    const emitted = emittedMetrics(stack.log);

    expect(ownMetrics(template).length).toBeGreaterThan(10);
    for (const metric of ownMetrics(synthesize({ prefix: stack.prefix }))) expect(emitted).toContainEqual(metric);
  });

  test('have the generated names of functions without given names', () => {
    const { BULLBRIDGE_SOURCE_NAME, BULLBRIDGE_PREFIX } = readConfig({
      REDIS_URL: 'redis://localhost',
      EVENT_BUS_NAME: 'bus',
      CHECKPOINT_TABLE: 'table',
      DEAD_LETTER_QUEUE_URL: 'https://queue',
    });
    const dimensions = dimensionsOf('Test/Bullbridge', BULLBRIDGE_SOURCE_NAME, BULLBRIDGE_PREFIX);

    for (const metric of ownMetrics(template)) expect(metric).toMatchObject({ dimensions });
  });

  test('belong to one construct if a stack has two', () => {
    const { stack } = createStack();
    const other = createStack({ sourceName: 'other', prefix: 'jobs' });

    const sourcesOf = (of: Stack) =>
      new Set(ownMetrics(Template.fromStack(of)).map(({ dimensions: { source } }) => source));
    expect([sourcesOf(stack), sourcesOf(other.stack)]).toEqual([new Set(['default/bull']), new Set(['other/jobs'])]);
  });

  test('show nothing of other stacks: each metric has a dimension', () => {
    const shown = [...alarmMetrics(template), ...dashboardMetrics(template)];
    expect(shown.length).toBeGreaterThan(40);
    expect(shown.filter(({ dimensions }) => Object.keys(dimensions).length === 0)).toEqual([]);
  });

  test('are left out when they are turned off', () => {
    const without = synthesize({ alarms: false });
    without.resourceCountIs('AWS::CloudWatch::Alarm', 0);
    without.resourceCountIs('AWS::CloudWatch::Dashboard', 1);
    synthesize({ dashboard: false }).resourceCountIs('AWS::CloudWatch::Dashboard', 0);
  });
});

describe('the alarms', () => {
  test('treat missing data as each alarm needs', () => {
    const missing = Object.entries(alarmsOf(template)).map(([name, { TreatMissingData }]) => [name, TreatMissingData]);

    expect(Object.fromEntries(missing)).toMatchInlineSnapshot(`
      {
        "DeadLettersExpire": "ignore",
        "DeadLettersWaiting": "ignore",
        "EventsLate": "notBreaching",
        "EventsLost": "notBreaching",
        "EventsParked": "notBreaching",
        "ForwardingFails": "notBreaching",
        "ForwardingHeld": "notBreaching",
        "ForwardingStopped": "breaching",
        "ForwardingThrottled": "notBreaching",
        "GapsOpen": "ignore",
        "QueuesMissing": "notBreaching",
        "RecoveryFails": "notBreaching",
        "RecoveryStopped": "breaching",
        "RetentionUsed": "notBreaching",
      }
    `);
  });

  test('call the action when they go off and when they end', () => {
    const told = synthesize((stack) => ({ alarmAction: new SnsAction(new Topic(stack, 'Topic')) }));

    for (const alarm of Object.values(alarmsOf(told))) {
      const topic = [{ Ref: expect.stringMatching(/^Topic/) }];
      expect(alarm).toMatchObject({ AlarmActions: topic, OKActions: topic });
    }
    for (const alarm of Object.values(alarmsOf(template))) expect(alarm).not.toHaveProperty('AlarmActions');
  });

  test('evaluate whole intervals, and three of them if one bad run is no alarm', () => {
    const slow = alarmsOf(synthesize({ interval: Duration.minutes(13), reconcileInterval: Duration.hours(2) }));

    expect(slow['ForwardingStopped']).toMatchObject({ Period: 13 * 60, EvaluationPeriods: 3, DatapointsToAlarm: 3 });
    expect(slow['ForwardingFails']).toMatchObject({ Period: 13 * 60, EvaluationPeriods: 3, DatapointsToAlarm: 2 });
    expect(slow['RecoveryFails']).toMatchObject({ Period: 2 * 3600, EvaluationPeriods: 3, DatapointsToAlarm: 2 });
  });

  test('notice one dead schedule of ten', () => {
    const sharded = synthesize({ shards: 10 });
    sharded.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'Invocations',
      ComparisonOperator: 'LessThanThreshold',
      Threshold: 10,
    });
  });

  test('are all exposed, and link to the page of this version or to a page of the user', () => {
    const { bullbridge } = createStack();
    expect(Object.keys(bullbridge.alarms).sort()).toEqual(Object.keys(alarmsOf(template)).sort());
    expect(linksOf(template)).toContain(`${RUNBOOK_URL}#events-lost`);
    expect(RUNBOOK_URL).toMatch(/^https:.*\/v\d+\.\d+\.\d+\/docs\/runbook\.md$/);
    const own = synthesize({ runbookUrl: 'https://wiki.example.com/jobs' });
    expect(linksOf(own)).toContain('https://wiki.example.com/jobs#dead-letters-expire');
    expect(createStack({ alarms: false }).bullbridge.alarms).toEqual({});
  });

  test('evaluate at most the day that CloudWatch allows', () => {
    const daily = alarmsOf(synthesize({ interval: Duration.minutes(13), reconcileInterval: Duration.days(1) }));

    for (const { Period, EvaluationPeriods } of Object.values(daily))
      expect(Period * EvaluationPeriods).toBeLessThanOrEqual(24 * 3600);
  });
});

describe('the metrics of a construct', () => {
  test('can be used by others, each with its statistic', () => {
    const { bullbridge } = createStack({ sourceName: 'redis-1', prefix: 'jobs' });
    const metrics = [
      bullbridge.metricPublished(),
      bullbridge.metricLost(),
      bullbridge.metricParked(),
      bullbridge.metricLag(),
      bullbridge.metricBacklog(),
      bullbridge.metricRetentionUsed({ statistic: 'p90', period: Duration.minutes(1) }),
    ];

    expect(metrics.map(({ metricName, statistic }) => [metricName, statistic])).toEqual([
      ['Published', 'Sum'],
      ['Lost', 'Sum'],
      ['Parked', 'Sum'],
      ['Lag', 'Maximum'],
      ['Backlog', 'Maximum'],
      ['RetentionUsed', 'p90'],
    ]);
    for (const { namespace, dimensions } of metrics)
      expect([namespace, dimensions]).toEqual([
        'bullbridge',
        { service: 'bullbridge', deployment: 'Test/Bullbridge', source: 'redis-1/jobs' },
      ]);
  });
});
