import { Token } from 'aws-cdk-lib';
import type { EventPattern, IRuleTarget } from 'aws-cdk-lib/aws-events';
import { DEFAULTS } from '../../functions/defaults.ts';
import { type BullmqEventName, detailTypeOf } from '../../functions/event/catalogue.ts';
import type { BullbridgeProps } from './bullbridge-props.ts';
import { check } from './check.ts';

/** Options of {@link Bullbridge.onLoss}: the queues, and the target of the rule. */
export interface OnLossOptions {
  /**
   * The name of a queue, or the names of several queues.
   *
   * @default - all queues that are forwarded
   */
  readonly queue?: string | readonly string[];

  /** The target of the rule; `addTarget` adds more. */
  readonly target: IRuleTarget;

  /**
   * The description of the rule.
   *
   * @default - no description
   */
  readonly description?: string;
}

/** Options of {@link Bullbridge.onEvent}: the events, and the target of the rule. */
export interface OnEventOptions extends OnLossOptions {
  /**
   * The name of an event, or the names of several events: names of BullMQ, such as `failed`, or of custom events.
   *
   * @default - all events that are forwarded
   */
  readonly event?: EventName | readonly EventName[];

  /**
   * An EventBridge pattern for other fields of the detail, such as `{ job: { name: ['charge'] } }`.
   *
   * The rule itself sets the patterns for `queue`, `sourceName` and `prefix`.
   *
   * @default - other fields may have any value
   */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** The name of a BullMQ event, which editors can complete, or of a custom event. */
export type EventName = BullmqEventName | (string & {});

/** The Redis and the queues that events come from. */
export interface EventSource extends Pick<BullbridgeProps, 'events' | 'queues'> {
  readonly prefix: string;
  readonly sourceName: string;
}

/** The pattern for these queues and events. */
export function patternOf(
  origin: EventSource,
  { queue, event, detail = {} }: Omit<OnEventOptions, 'target'>,
): EventPattern {
  const events: readonly string[] = origin.events ?? DEFAULTS.events;
  const names = namesOf('event', event, events.includes('*') ? undefined : events);
  const own = detailOf(origin, queue);
  for (const name of ['queue', ...Object.keys(own)].filter((key) => Object.hasOwn(detail, key))) {
    throw new Error(`detail must not have ${name}, which the rule sets itself, got ${JSON.stringify(detail[name])}`);
  }
  return {
    source: ['bullmq'],
    detailType: names?.map(detailTypeOf),
    detail: { ...detail, ...own },
  };
}

/** The pattern for the event `Events Lost` of these queues. */
export function lossPatternOf(origin: EventSource, { queue }: Omit<OnLossOptions, 'target'>): EventPattern {
  return { source: ['bullbridge'], detailType: ['Events Lost'], detail: detailOf(origin, queue) };
}

/** The pattern for this Redis and these queues; other constructs may publish to the same bus. */
function detailOf({ prefix, sourceName, queues }: EventSource, queue: OnLossOptions['queue']) {
  const names = namesOf('queue', queue, queues);
  return { sourceName: [sourceName], prefix: [prefix], ...(names && { queue: names }) };
}

/** The names that a rule matches. @throws Error for a name that is not forwarded: the rule would never match */
function namesOf(
  option: string,
  given: string | readonly string[] | undefined,
  forwarded: readonly string[] | undefined,
): string[] | undefined {
  if (given === undefined) return undefined;
  const names = [given].flat();
  check(option, names, ({ length }) => length > 0, 'a name or a list of names; leave it out for all');
  const allowed = `one of the ${option}s that are forwarded (${forwarded?.join(', ')})`;
  const among = (name: string) => forwarded?.some((item) => item === name || Token.isUnresolved(item)) ?? true;
  for (const name of names) check(option, name, among, allowed);
  return names;
}
