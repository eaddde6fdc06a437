import { Duration } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { describe, expect, test } from 'vitest';
import { createStack } from '../synth.ts';

const JOB_METRICS = ['completed', 'failed'] as const;
const OPTIONS = { queue: 'payments', percent: 5, over: Duration.minutes(15) };

type Props = Parameters<typeof createStack>[0];

function templateWith(options: Partial<typeof OPTIONS> = {}, props: Props = { jobMetrics: JOB_METRICS }) {
  const { stack, bullbridge } = createStack(props);
  bullbridge.alarmOnFailures('Payments', { ...OPTIONS, ...options });
  return Template.fromStack(stack);
}

describe('an alarm on failures', () => {
  test('is about the share of the jobs of a queue that failed', () => {
    templateWith().hasResourceProperties('AWS::CloudWatch::Alarm', {
      Threshold: 5,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'notBreaching',
      AlarmDescription: 'More than 5 % of the jobs of the queue "payments" that ended within 15 minutes failed.',
      Metrics: Match.arrayWith([
        Match.objectLike({ Expression: '100 * FILL(failed, 0) / (FILL(failed, 0) + FILL(completed, 0))' }),
        Match.objectLike({
          Id: 'failed',
          MetricStat: Match.objectLike({
            Stat: 'Sum',
            Period: 900,
            Metric: Match.objectLike({
              Namespace: 'bullbridge',
              MetricName: 'JobFailed',
              Dimensions: Match.arrayWith([{ Name: 'queue', Value: 'payments' }]),
            }),
          }),
        }),
      ]),
    });
  });

  test('does what the other alarms do', () => {
    const template = templateWith({}, (stack) => ({
      jobMetrics: JOB_METRICS,
      alarmAction: new SnsAction(new Topic(stack, 'Topic')),
    }));

    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmDescription: Match.stringLikeRegexp('^More than 5 %'),
      AlarmActions: [Match.anyValue()],
      OKActions: [Match.anyValue()],
    });
  });

  test.each([
    [{}, { jobMetrics: ['failed'] as const }],
    [{}, {}],
    [{ queue: 'payment' }, { jobMetrics: JOB_METRICS, queues: ['payments'] }],
    [{ percent: 100 }, undefined],
    [{ percent: -1 }, undefined],
    [{ percent: Number.NaN }, undefined],
    [{ over: Duration.seconds(90) }, undefined],
    [{ over: Duration.days(2) }, undefined],
  ])('must be possible: %j %j', (options, props) => {
    expect(() => templateWith(options, props)).toThrowErrorMatchingSnapshot();
  });
});
