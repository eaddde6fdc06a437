import { readFileSync } from 'node:fs';
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

/** What a user has of the repository: the manifest, in the package as in a clone. */
const { version, homepage } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

/** Where the articles of this version are. */
export const RUNBOOK_URL = `${homepage.replace(/#.*$/, '')}/blob/v${version}/docs/runbook.md`;

/** How much of a stream's capacity the backlog may take: at twice the load, half of it is all of it. */
const MAX_RETENTION_USED = 50;

/** Of the 14 days that SQS keeps a parked event, those after which it is time to act. */
const MAX_DAYS_PARKED = 10;

/** Runs in a row that did nothing; a hand-over that is late takes one of them. */
const MAX_HELD = 3;

/**
 * What an alarm looks at may not take more:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
 */
const MAX_EVALUATION = Duration.days(1);

/** The names of the alarms. */
export type AlarmName =
  | 'EventsLost'
  | 'EventsParked'
  | 'EventsLate'
  | 'RetentionUsed'
  | 'ForwardingFails'
  | 'ForwardingStopped'
  | 'ForwardingHeld'
  | 'ForwardingThrottled'
  | 'QueuesMissing'
  | 'DeadLettersWaiting'
  | 'DeadLettersExpire'
  | 'RecoveryFails'
  | 'RecoveryStopped'
  | 'GapsOpen';

export interface AlarmsProps {
  readonly watched: Watched;
  /** Runs of an interval. */
  readonly shards: number;
  /** Whether the schedules start runs. */
  readonly enabled: boolean;
  readonly runbookUrl: string;
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

/** What an operator should know of, by name; each has an article in the runbook, whose anchor is its name. */
export class Alarms extends Construct {
  readonly alarms: Readonly<Record<AlarmName, Alarm>>;

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const { watched, interval, reconcileInterval, shards, enabled, action } = props;
    const { forwardFunction, reconcileFunction, deadLetterQueue } = watched;
    const each = { period: interval };
    const eachRecovery = { period: reconcileInterval };
    const severalRecoveries = (when: When) => (fits(reconcileInterval, when) ? when : ONCE);
    // Without a run there is no data; that there is none has an alarm of its own.
    const { NOT_BREACHING, IGNORE } = TreatMissingData;
    // Lambda has no data of a function that is not invoked: that is what the alarm is for, unless nothing is to run.
    const notStarted = {
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      treatMissingData: enabled ? TreatMissingData.BREACHING : NOT_BREACHING,
    };

    const alarms: Record<AlarmName, AlarmProps> = {
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
        alarmDescription: 'For three intervals, runs published events that were older than three intervals.',
        // Not Lag: a fresh queue would hide one that is late.
        metric: watched.metric('OldestAge', each),
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
        alarmDescription: 'In three intervals, runs that forward were not started, or not those of each shard.',
        metric: forwardFunction.metricInvocations(each),
        threshold: shards,
        ...ALWAYS,
        ...notStarted,
      },
      ForwardingHeld: {
        alarmDescription: `${MAX_HELD} runs in a row did nothing, since another run had the lease or took it.`,
        metric: watched.metric('Held', each),
        threshold: MAX_HELD,
        ...ONCE,
        treatMissingData: NOT_BREACHING,
      },
      QueuesMissing: {
        alarmDescription: 'For three intervals, named queues had neither a stream nor settings.',
        metric: watched.metric('Missing', each),
        threshold: 1,
        ...ALWAYS,
        treatMissingData: NOT_BREACHING,
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
        // SQS has no data of a queue that nobody has used for six hours; its messages are still there.
        treatMissingData: IGNORE,
      },
      DeadLettersExpire: {
        alarmDescription: `A parked event is ${MAX_DAYS_PARKED} days old; SQS deletes it after 14.`,
        metric: deadLetterQueue.metricApproximateAgeOfOldestMessage({ period: Duration.hours(1) }),
        threshold: Duration.days(MAX_DAYS_PARKED).toSeconds(),
        ...ONCE,
        treatMissingData: IGNORE,
      },
      RecoveryStopped: {
        alarmDescription: 'The function that recovers lost events was not started.',
        metric: reconcileFunction.metricInvocations(eachRecovery),
        threshold: 1,
        ...severalRecoveries(ALWAYS),
        ...notStarted,
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

    const made = Object.entries(alarms).map(([name, alarmProps]) => {
      const alarm = new Alarm(this, name, {
        ...alarmProps,
        alarmDescription: `${alarmProps.alarmDescription} See ${props.runbookUrl}#${anchorOf(name)}`,
      });
      if (action) {
        alarm.addAlarmAction(action);
        alarm.addOkAction(action);
      }
      return [name, alarm];
    });
    this.alarms = Object.fromEntries(made);
  }
}

function fits(period: Duration, { evaluationPeriods }: When): boolean {
  return period.toSeconds() * evaluationPeriods <= MAX_EVALUATION.toSeconds();
}

/** `EventsLost` has the article "Events lost". */
function anchorOf(name: string): string {
  return name.replaceAll(/\B[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
}
