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

/** The manifest is in the npm package as well as in a clone; the runbook is not. */
const { version, homepage } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

/** The runbook of this version. */
export const RUNBOOK_URL = `${homepage.replace(/#.*$/, '')}/blob/v${version}/docs/runbook.md`;

/** Percent of a stream's entries that the backlog may take: at twice the load, half of them becomes all of them. */
const MAX_RETENTION_USED = 50;

/** Days after which someone must act; SQS keeps a dead letter for 14. */
const MAX_DAYS_PARKED = 10;

/** Runs in a row that did nothing; a late hand-over alone makes one such run. */
const MAX_HELD = 3;

/**
 * The periods that an alarm evaluates may not be longer in total:
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
  /** Runs in an interval. */
  readonly shards: number;
  /** Whether the schedules start runs. */
  readonly enabled: boolean;
  readonly runbookUrl: string;
  /** Time from one run of the forward function to the next. */
  readonly interval: Duration;
  readonly reconcileInterval: Duration;
  /** @default - the alarms only change their state */
  readonly action?: IAlarmAction | undefined;
}

/** The number of the last periods in which the threshold must be reached. */
type When = Pick<AlarmProps, 'evaluationPeriods' | 'datapointsToAlarm'>;

/** Two, because the next run makes up for a single failure. */
const TWICE: When = { evaluationPeriods: 3, datapointsToAlarm: 2 };
const ALWAYS: When = { evaluationPeriods: 3, datapointsToAlarm: 3 };
const ONCE: When = { evaluationPeriods: 1, datapointsToAlarm: 1 };

/** The alarms, by name; the runbook has an article for each, with the name as its anchor. */
export class Alarms extends Construct {
  readonly alarms: Readonly<Record<AlarmName, Alarm>>;

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const { watched, interval, reconcileInterval, shards, enabled, action } = props;
    const { forwardFunction, reconcileFunction, deadLetterQueue } = watched;
    const each = { period: interval };
    const eachRecovery = { period: reconcileInterval };
    const severalRecoveries = (when: When) => (fits(reconcileInterval, when) ? when : ONCE);
    // Without runs there is no data; ForwardingStopped and RecoveryStopped are the alarms for that.
    const { NOT_BREACHING, IGNORE } = TreatMissingData;
    // Lambda sends no data for a function that is not invoked. The alarm is for this case, unless runs are paused.
    const notStarted = {
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      treatMissingData: enabled ? TreatMissingData.BREACHING : NOT_BREACHING,
    };

    const alarms: Record<AlarmName, AlarmProps> = {
      EventsLost: {
        alarmDescription: 'Entries of a stream were lost before they were read.',
        // Not Lost: the number of lost entries is not always known.
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
        // Not Lag: a queue that is up to date would hide a queue that is late.
        metric: watched.metric('OldestAge', each),
        threshold: 3 * interval.toMilliseconds(),
        ...ALWAYS,
        // No event was published: there was none, or the runs fail.
        treatMissingData: NOT_BREACHING,
      },
      RetentionUsed: {
        alarmDescription: `The backlog of a queue took ${MAX_RETENTION_USED} % or more of the entries that its stream keeps; at 100 %, events are lost.`,
        metric: watched.metric('RetentionUsed', each),
        threshold: MAX_RETENTION_USED,
        ...ONCE,
        treatMissingData: NOT_BREACHING,
      },
      ForwardingFails: {
        alarmDescription: 'The forward function failed in two of the last three intervals.',
        metric: forwardFunction.metricErrors(each),
        threshold: 1,
        ...TWICE,
        treatMissingData: NOT_BREACHING,
      },
      ForwardingStopped: {
        alarmDescription: 'For three intervals, the forward function was not started for each shard.',
        metric: forwardFunction.metricInvocations(each),
        threshold: shards,
        ...ALWAYS,
        ...notStarted,
      },
      ForwardingHeld: {
        alarmDescription: `${MAX_HELD} runs in a row did nothing, because another run had the lease or took it.`,
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
          'In two of the last three intervals, the account had no concurrency left for the forward function.',
        metric: forwardFunction.metricThrottles(each),
        threshold: 1,
        ...TWICE,
        treatMissingData: NOT_BREACHING,
      },
      DeadLettersWaiting: {
        alarmDescription: 'The dead-letter queue contains events that the bus refused.',
        metric: deadLetterQueue.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(5) }),
        threshold: 1,
        ...ONCE,
        // SQS sends no data for a queue that was not used for six hours; its messages are still there.
        treatMissingData: IGNORE,
      },
      DeadLettersExpire: {
        alarmDescription: `A dead letter is ${MAX_DAYS_PARKED} days old; SQS deletes it after 14 days.`,
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
        alarmDescription: 'Events were lost and are not recovered yet.',
        metric: watched.metric('OpenGaps', eachRecovery),
        threshold: 1,
        ...severalRecoveries(ALWAYS),
        // A run that fails sends no data and closes no gap.
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
