import { Annotations, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { CATALOGUE, type EventKind } from '../../functions/event/catalogue.ts';
import { likelyMisspelt } from '../../functions/event/filter.ts';
import { VARIABLES } from '../../functions/settings.ts';
import type { BullbridgeProps } from './bullbridge-props.ts';

/** Throws where props contradict each other, so that one of them would be ignored. */
export function checkTogether(props: BullbridgeProps): void {
  const { queues, shards = 1, startFromByQueue = {}, alarms } = props;
  const without = (prop: keyof BullbridgeProps, other: string, isOff: boolean) => {
    if (isOff && props[prop] !== undefined) throw new Error(`${prop} must come without ${other}, got both`);
  };
  without('alarmAction', 'alarms: false', alarms === false);
  without('runbookUrl', 'alarms: false', alarms === false);
  without('payloadRetention', 'payloadBucket, which has rules of its own', props.payloadBucket !== undefined);
  const named = namedIn(queues);
  if (named === undefined) return;
  for (const queue of Object.keys(startFromByQueue).filter((name) => !isAmong(name, named))) {
    throw new Error(`startFromByQueue must be by queues that are forwarded (${named.join(', ')}), got "${queue}"`);
  }
  if (shards > named.length) {
    throw new Error(`shards must be at most the number of queues (${named.length}), got ${shards}`);
  }
}

/** Warns of what may be meant, but most likely is not. */
export function warnOfSlips(scope: Construct, props: BullbridgeProps): void {
  const { queues, events, jobFields, jobFieldsByEvent, jobDataBytes, shards = 1, reservedConcurrentExecutions } = props;
  const warn = (prop: keyof BullbridgeProps, message: string) =>
    Annotations.of(scope).addWarningV2(`bullbridge:${prop}`, message);
  warnOfEvents(scope, 'events', namedIn(events) ?? []);
  const forwarded = namedIn(events ?? VARIABLES.BULLBRIDGE_EVENTS.default.split(','));
  for (const name of Object.keys(jobFieldsByEvent ?? {}).filter((event) => forwarded && !isAmong(event, forwarded))) {
    warn('jobFieldsByEvent', `jobFieldsByEvent has "${name}", which is not forwarded (${forwarded?.join(', ')})`);
  }
  for (const name of (namedIn(queues) ?? []).filter((queue) => queue.includes('*'))) {
    warn(
      'queues',
      `queues has "${name}", which is one queue with a * in its name, no pattern; leave queues out for all`,
    );
  }
  if (jobDataBytes !== undefined && jobFields === undefined && jobFieldsByEvent === undefined) {
    warn('jobDataBytes', 'jobDataBytes has no effect without jobFields or jobFieldsByEvent');
  }
  if (reservedConcurrentExecutions !== undefined && reservedConcurrentExecutions < 2 * shards) {
    warn(
      'reservedConcurrentExecutions',
      `reservedConcurrentExecutions is ${reservedConcurrentExecutions}, less than two for each of the shards (${shards}): a run begins before the last one has ended, and would be throttled`,
    );
  }
}

/** Warns of names that are likely other events of BullMQ's; a custom event may have any name. */
export function warnOfEvents(scope: Construct, prop: 'events' | 'event', names: readonly string[]): void {
  for (const { given, nearest } of slipsIn(names)) {
    Annotations.of(scope).addWarningV2(
      `bullbridge:${prop}`,
      `${prop} has "${given}", which BullMQ does not emit; if it is no event of your own, write "${nearest}"`,
    );
  }
}

/** Names of events that are likely others of BullMQ's: misspelt, or the detail-type instead. */
function slipsIn(names: readonly string[]): { readonly given: string; readonly nearest: string }[] {
  const byDetailType = Object.entries<EventKind>(CATALOGUE).flatMap(([nearest, { detailType }]) =>
    names.filter((name) => name === detailType).map((given) => ({ given, nearest })),
  );
  return [...likelyMisspelt(names), ...byDetailType];
}

/** Whether a name is in a list, or may be: a name that is known at deployment may be any. */
function isAmong(name: string, names: readonly string[]): boolean {
  return names.some((item) => item === name || Token.isUnresolved(item));
}

/** The names of a list; `undefined` where it is left out, known at deployment, or `*`. */
function namedIn(list: readonly string[] | undefined): readonly string[] | undefined {
  return list === undefined || Token.isUnresolved(list) || list.includes('*') ? undefined : list;
}
