import { Token } from 'aws-cdk-lib';
import type { EventPattern, IRuleTarget } from 'aws-cdk-lib/aws-events';
import { DEFAULTS } from '../../functions/defaults.ts';
import { type BullmqEventName, detailTypeOf } from '../../functions/event/catalogue.ts';
import type { BullbridgeProps } from './bullbridge-props.ts';
import { check } from './check.ts';

/** Which queues' losses a rule of {@link Bullbridge.onLoss} is for, and where they go. */
export interface OnLossOptions {
  /**
   * The name of a queue, or of several.
   *
   * @default - all queues that are forwarded
   */
  readonly queue?: string | readonly string[];

  /** Where they go; the rule takes more by `addTarget`. */
  readonly target: IRuleTarget;

  /**
   * What the rule is for.
   *
   * @default - none
   */
  readonly description?: string;
}

/** Which events a rule of {@link Bullbridge.onEvent} is for, and where they go. */
export interface OnEventOptions extends OnLossOptions {
  /**
   * BullMQ's name of an event or of several, such as `failed`; a custom event has the name that it was given.
   *
   * @default - all events that are forwarded
   */
  readonly event?: EventName | readonly EventName[];

  /**
   * More that the detail of an event must match, as a pattern of EventBridge: `{ job: { name: ['charge'] } }`.
   *
   * What `queue`, `sourceName` and `prefix` match is set already.
   *
   * @default - nothing more
   */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** A name of BullMQ's own, which an editor can list, or a custom one. */
export type EventName = BullmqEventName | (string & {});

/** Whose events they are. */
export interface Origin extends Pick<BullbridgeProps, 'events' | 'queues'> {
  readonly prefix: string;
  readonly sourceName: string;
}

/** What arrives on the bus of these queues and events. */
export function patternOf(origin: Origin, { queue, event, detail = {} }: Omit<OnEventOptions, 'target'>): EventPattern {
  const events: readonly string[] = origin.events ?? DEFAULTS.events;
  const names = namesOf('event', event, events.includes('*') ? undefined : events);
  const own = detailOf(origin, queue);
  for (const name of ['queue', ...Object.keys(own)].filter((key) => Object.hasOwn(detail, key))) {
    throw new Error(`detail must be without ${name}, which the rule sets itself, got ${JSON.stringify(detail[name])}`);
  }
  return {
    source: ['bullmq'],
    detailType: names?.map(detailTypeOf),
    detail: { ...detail, ...own },
  };
}

/** The news that events of these queues were lost. */
export function lossPatternOf(origin: Origin, { queue }: Omit<OnLossOptions, 'target'>): EventPattern {
  return { source: ['bullbridge'], detailType: ['Events Lost'], detail: detailOf(origin, queue) };
}

/** Of this Redis only: another construct may publish to the same bus. */
function detailOf({ prefix, sourceName, queues }: Origin, queue: OnLossOptions['queue']) {
  const names = namesOf('queue', queue, queues);
  return { sourceName: [sourceName], prefix: [prefix], ...(names && { queue: names }) };
}

/** Names that a rule is for; one that is never forwarded would make a rule that never matches. */
function namesOf(
  option: string,
  given: string | readonly string[] | undefined,
  forwarded: readonly string[] | undefined,
): string[] | undefined {
  if (given === undefined) return undefined;
  const names = [given].flat();
  check(option, names, ({ length }) => length > 0, 'a name or a list of names; leave it out for all');
  const allowed = `among the ${option}s that are forwarded (${forwarded?.join(', ')})`;
  const among = (name: string) => forwarded?.some((item) => item === name || Token.isUnresolved(item)) ?? true;
  for (const name of names) check(option, name, among, allowed);
  return names;
}
