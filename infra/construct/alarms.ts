import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  type AlarmProps,
  ComparisonOperator,
  type IAlarmAction,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { Watched } from './watched.ts';

/** Where the article of each alarm is. */
const RUNBOOK = 'docs/runbook.md';

/** How much of a stream's capacity the backlog may take: at twice the load, half of it is all of it. */
const MAX_RETENTION_USED = 50;

/** What an alarm looks at may not take more: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html */
const MAX_EVALUATION = Duration.days(1);

export interface AlarmsProps {
  readonly watched: Watched;
  /** Between two runs of the forward function. */
  readonly interval: Duration;
  readonly reconcileInterval: Duration;
  /** @default - the alarms only change their state */
  readonly action?: IAlarmAction | undefined;
}

/** In how many of the last periods the threshold must be reached. */
type When = Pick<AlarmProps, 'evaluationPeriods' | 'datapointsToAlarm'>;

/** One failure is made good by the next run, so it takes two. */
const TWICE: When = { evaluationPeriods: 3, datapointsToAlarm: 2 };
const ALWAYS: When = { evaluationPeriods: 3, datapointsToAlarm: 3 };
const ONCE: When = { evaluationPeriods: 1, datapointsToAlarm: 1 };

/** What an operator should know of: each alarm has an article in the runbook, whose anchor is its id. */
export class Alarms extends Construct {
  /** All of them. */
  readonly alarms: readonly Alarm[];

  constructor(scope: Construct, id: string, { watched, interval, reconcileInterval, action }: AlarmsProps) {
    super(scope, id);
    const { forwardFunction, reconcileFunction, deadLetterQueue } = watched;
    const each = { period: interval };
    const eachRecovery = { period: reconcileInterval };
    const severalRecoveries = (when: When) => (fits(reconcileInterval, when) ? when : ONCE);
    // Without a run there is nothing to say; that there is none is an alarm of its own.
    const { NOT_BREACHING, BREACHING, IGNORE } = TreatMissingData;

    const alarms: Record<string, AlarmProps> = {
      EventsLost: {
        alarmDescription: 'Entries of a stream were lost before they were read.',
        // Not Lost: of some losses it is not known how many entries they took.
        metric: watched.metric('Incidents', each),
        threshold: 1,
        ...ONCE,
        treatMissingData: NOT_BREACHING,
      },
      EventsParked: {
        alarmDescription: 'The bus refused events; they are in the dead-letter queue.',
        metric: watched.metric('Parked', each),
        threshold: 1,
        ...ONCE,
        treatMissingData: NOT_BREACHING,
      },
      EventsLate: {
        alarmDescription: 'For three runs, the newest event published was older than three intervals.',
        metric: watched.metric('Lag', each),
        threshold: 3 * interval.toMilliseconds(),
        ...ALWAYS,
        // Nothing was published: there was nothing, or the runs fail.
        treatMissingData: NOT_BREACHING,
      },
      RetentionUsed: {
        alarmDescription: `The backlog of a queue took ${MAX_RETENTION_USED} % or more of what its stream keeps; at 100 % events are lost.`,
        metric: watched.metric('RetentionUsed', each),
        threshold: MAX_RETENTION_USED,
        ...ONCE,
        treatMissingData: NOT_BREACHING,
      },
      ForwardingFails: {
        alarmDescription: 'The function that forwards failed in two of the last three intervals.',
        metric: forwardFunction.metricErrors(each),
        threshold: 1,
        ...TWICE,
        treatMissingData: NOT_BREACHING,
      },
      ForwardingStopped: {
        alarmDescription: 'The function that forwards was not started for three intervals.',
        metric: forwardFunction.metricInvocations(each),
        threshold: 1,
        comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
        ...ALWAYS,
        // Lambda tells of a function only while it is invoked: no data is what this alarm is for.
        treatMissingData: BREACHING,
      },
      ForwardingThrottled: {
        alarmDescription:
          'The account had no concurrency left for the function that forwards, in two of the last three intervals.',
        metric: forwardFunction.metricThrottles(each),
        threshold: 1,
        ...TWICE,
        treatMissingData: NOT_BREACHING,
      },
      DeadLettersWaiting: {
        alarmDescription: 'The dead-letter queue has events that the bus refused.',
        metric: deadLetterQueue.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(5) }),
        threshold: 1,
        ...ONCE,
        // SQS tells nothing of a queue that nobody has used for six hours, which empties none.
        treatMissingData: IGNORE,
      },
      RecoveryFails: {
        alarmDescription: 'The function that recovers lost events fails.',
        metric: reconcileFunction.metricErrors(eachRecovery),
        threshold: 1,
        ...severalRecoveries(TWICE),
        treatMissingData: NOT_BREACHING,
      },
      GapsOpen: {
        alarmDescription: 'Lost events were found and are not recovered.',
        metric: watched.metric('OpenGaps', eachRecovery),
        threshold: 1,
        ...severalRecoveries(ALWAYS),
        // A run that fails says nothing, and closes no gap.
        treatMissingData: IGNORE,
      },
    };

    this.alarms = Object.entries(alarms).map(([name, props]) => {
      const alarm = new Alarm(this, name, {
        ...props,
        alarmDescription: `${props.alarmDescription} See ${RUNBOOK}#${anchorOf(name)}`,
      });
      if (action) {
        alarm.addAlarmAction(action);
        alarm.addOkAction(action);
      }
      return alarm;
    });
  }
}

function fits(period: Duration, { evaluationPeriods }: When): boolean {
  return period.toSeconds() * evaluationPeriods <= MAX_EVALUATION.toSeconds();
}

/** `EventsLost` has the article "Events lost". */
function anchorOf(name: string): string {
  return name.replaceAll(/\B[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
}
