import { Annotations, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { CATALOGUE, type EventKind } from '../../functions/event/catalogue.ts';
import { likelyMisspelt } from '../../functions/event/filter.ts';
import { VARIABLES } from '../../functions/settings.ts';
import type { BullbridgeProps } from './bullbridge-props.ts';

/** @throws Error for props that contradict each other: one of them would be ignored */
export function checkTogether(props: BullbridgeProps): void {
  const { queues, shards = 1, startFromByQueue = {}, alarms } = props;
  const without = (prop: keyof BullbridgeProps, other: string, isOff: boolean) => {
    if (isOff && props[prop] !== undefined) throw new Error(`${prop} must come without ${other}, got both`);
  };
  without('alarmAction', 'alarms: false', alarms === false);
  without('runbookUrl', 'alarms: false', alarms === false);
  without('payloadRetention', 'payloadBucket, which has its own lifecycle rules', props.payloadBucket !== undefined);
  const named = namedIn(queues);
  if (named === undefined) return;
  for (const queue of Object.keys(startFromByQueue).filter((name) => !isAmong(name, named))) {
    throw new Error(`startFromByQueue must name queues that are forwarded (${named.join(', ')}), got "${queue}"`);
  }
  if (shards > named.length) {
    throw new Error(`shards must be at most the number of queues (${named.length}), got ${shards}`);
  }
}

/** Warns about props that are allowed but most likely a mistake. */
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
      `queues has "${name}", which is the name of one queue, not a pattern; leave queues out to forward all queues`,
    );
  }
  if (jobDataBytes !== undefined && jobFields === undefined && jobFieldsByEvent === undefined) {
    warn('jobDataBytes', 'jobDataBytes has no effect without jobFields or jobFieldsByEvent');
  }
  if (reservedConcurrentExecutions !== undefined && reservedConcurrentExecutions < 2 * shards) {
    warn(
      'reservedConcurrentExecutions',
      `reservedConcurrentExecutions is ${reservedConcurrentExecutions}, less than two for each of the shards (${shards}): a run can start before the last one has ended and would then be throttled`,
    );
  }
}

/** Warns about names that are likely misspelt names of BullMQ's events; a custom event may have any name. */
export function warnOfEvents(scope: Construct, prop: 'events' | 'event', names: readonly string[]): void {
  for (const { given, nearest } of slipsIn(names)) {
    Annotations.of(scope).addWarningV2(
      `bullbridge:${prop}`,
      `${prop} has "${given}", which BullMQ does not emit; write "${nearest}", unless it is a custom event of yours`,
    );
  }
}

/** Names that are likely mistakes for BullMQ's events: misspelt names, and detail-types. */
function slipsIn(names: readonly string[]): { readonly given: string; readonly nearest: string }[] {
  const byDetailType = Object.entries<EventKind>(CATALOGUE).flatMap(([nearest, { detailType }]) =>
    names.filter((name) => name === detailType).map((given) => ({ given, nearest })),
  );
  return [...likelyMisspelt(names), ...byDetailType];
}

/** Whether a name is in a list or could be: a name that is known only at deployment could be any name. */
function isAmong(name: string, names: readonly string[]): boolean {
  return names.some((item) => item === name || Token.isUnresolved(item));
}

/** The names of a list; `undefined` if the list is left out, known only at deployment, or `*`. */
function namedIn(list: readonly string[] | undefined): readonly string[] | undefined {
  return list === undefined || Token.isUnresolved(list) || list.includes('*') ? undefined : list;
}
