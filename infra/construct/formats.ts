import { Duration, Fn, RemovalPolicy, Token, Tokenization } from 'aws-cdk-lib';
import { isJobField, JOB_NAMES, namesOf, parseJobFields } from '../../functions/event/job-fields.ts';
import { isOmittable, OMITTABLE } from '../../functions/event/omit.ts';
import { parseStartFrom, type StartPoint } from '../../functions/start-from.ts';
import type { BullbridgeProps } from './bullbridge-props.ts';
import { check } from './check.ts';

/** Converts props from the text of an option and to the text of a variable. */
export interface Format<Props = Partial<BullbridgeProps>> {
  /** The props that the text sets. */
  readonly props: readonly (keyof BullbridgeProps)[];
  /** @returns `undefined` for a text that cannot be read */
  readonly read: (text: string) => Props | undefined;
  /** The texts that can be read, in words that end the sentence "it must be …". */
  readonly readable: string;
  /** @returns `undefined` if none of the props is given; a token for a value that is known only at deployment */
  readonly print: (props: BullbridgeProps) => string | undefined;
}

/** The format of one value. */
interface ValueFormat<Value> {
  readonly read: (text: string) => Value | undefined;
  readonly readable: string;
  readonly print: (value: Value) => string;
}

/** The format of one prop. */
export function of<Prop extends keyof BullbridgeProps>(
  prop: Prop,
  { read, readable, print }: ValueFormat<NonNullable<BullbridgeProps[Prop]>>,
) {
  return {
    props: [prop],
    readable,
    read: (text: string) => {
      const value = read(text);
      return value === undefined ? undefined : { [prop]: value };
    },
    print: (props: BullbridgeProps) => {
      const value = props[prop];
      return value === undefined ? undefined : print(value);
    },
  } as const satisfies Format;
}

const isWhole = (text: string) => /^\d+$/.test(text);
const durationText = (duration: Duration, inUnit: () => number) =>
  duration.isUnresolved() ? Token.asString(duration) : `${inUnit()}`;

/** A text, also one of a few words. */
export const TEXT = { read: (text: string) => text as never, readable: 'a text', print: (text: string) => text };

export const NUMBER: ValueFormat<number> = {
  read: (text) => (isWhole(text) ? Number(text) : undefined),
  readable: 'a whole number',
  print: (number) => (Token.isUnresolved(number) ? Tokenization.stringifyNumber(number) : `${number}`),
};

export const FLAG: ValueFormat<boolean> = {
  read: (text) => ({ true: true, false: false })[text],
  readable: 'true or false',
  print: (value) => `${value}`,
};

export const MINUTES: ValueFormat<Duration> = {
  read: (text) => (isWhole(text) ? Duration.minutes(Number(text)) : undefined),
  readable: 'a whole number of minutes',
  print: (duration) => durationText(duration, () => duration.toMinutes({ integral: false })),
};

export const MILLISECONDS: ValueFormat<Duration> = {
  read: (text) => (isWhole(text) ? Duration.millis(Number(text)) : undefined),
  readable: 'a whole number of milliseconds',
  print: (duration) => durationText(duration, () => duration.toMilliseconds({ integral: false })),
};

export const DAYS: ValueFormat<Duration> = {
  read: (text) => (isWhole(text) ? Duration.days(Number(text)) : undefined),
  readable: 'a whole number of days',
  print: (duration) => durationText(duration, () => duration.toDays({ integral: false })),
};

const REMOVAL_POLICIES = { retain: RemovalPolicy.RETAIN, destroy: RemovalPolicy.DESTROY } as const;

export const REMOVAL_POLICY: ValueFormat<RemovalPolicy> = {
  read: (text) => REMOVAL_POLICIES[text as keyof typeof REMOVAL_POLICIES],
  readable: Object.keys(REMOVAL_POLICIES).join(' or '),
  print: (policy) => policy,
};

/** Names in a list, each of which must match a pattern. */
export function list<Name extends string>(
  prop: 'queues' | 'events' | 'jobMetrics',
  name: RegExp,
  without: string,
): ValueFormat<readonly Name[]> {
  const allowed = `a list of names without ${without} or spaces around them; leave it out for the default`;
  return {
    read: (text) => text.split(',').map((item) => item.trim() as Name),
    readable: 'names separated by commas',
    print: (items) => {
      check(prop, items, (given) => Array.isArray(given) && given.length > 0, allowed);
      for (const item of items) check(prop, item, (text) => name.test(text) && text === text.trim(), allowed);
      return join(',', items);
    },
  };
}

/** Paths to fields that must not leave Redis. */
export const PATHS: ValueFormat<readonly string[]> = {
  read: (text) => text.split(',').map((item) => item.trim()),
  readable: 'paths separated by commas',
  print: (paths) => {
    for (const path of paths) check('omit', path, isOmittable, `names or paths that begin with ${OMITTABLE}`);
    return join(',', paths);
  },
};

/** `now,emails=beginning`: the start point for all queues, then exceptions for single queues. */
export const START_FROM: Format<Pick<BullbridgeProps, 'startFrom' | 'startFromByQueue'>> = {
  props: ['startFrom', 'startFromByQueue'],
  readable: '"beginning" or "now", then queue=beginning or queue=now',
  read: (text) => {
    const parsed = parseStartFrom(text);
    return parsed && { startFrom: parsed.default, startFromByQueue: Object.fromEntries(parsed.queues) };
  },
  print: ({ startFrom, startFromByQueue = {} }) => {
    const checkStartPoint = (prop: string, point: StartPoint | undefined) =>
      check(prop, point, (text) => ['beginning', 'now'].includes(text), '"beginning" or "now"');
    checkStartPoint('startFrom', startFrom);
    const exceptions = Object.entries(startFromByQueue).map(([queue, point]) => {
      const isName = (name: string) => /^[^,:]+$/.test(name) && name === name.trim();
      check('startFromByQueue', queue, isName, 'by name of a queue, without commas, colons or spaces around it');
      checkStartPoint(`startFromByQueue.${queue}`, point);
      return join('=', [queue, point]);
    });
    return joined(startFrom === undefined ? exceptions : [startFrom, ...exceptions]);
  },
};

/** `name+attemptsMade,failed=name+opts.attempts`: the fields for all events, then exceptions for single events. */
export const JOB_FIELDS: Format<Pick<BullbridgeProps, 'jobFields' | 'jobFieldsByEvent'>> = {
  props: ['jobFields', 'jobFieldsByEvent'],
  readable: `names joined by +, then event=names, separated by commas, with the names ${JOB_NAMES}`,
  read: (text) => {
    const parsed = parseJobFields(text);
    if (parsed === undefined) return undefined;
    const { '*': ofAll, ...byEvent } = Object.fromEntries([...parsed].map(([event, one]) => [event, namesOf(one)]));
    return { ...(ofAll && { jobFields: ofAll }), jobFieldsByEvent: byEvent };
  },
  print: ({ jobFields, jobFieldsByEvent = {} }) => {
    const together = (prop: string, names: readonly string[]) => {
      for (const name of names) check(prop, name, isJobField, `a list of these names: ${JOB_NAMES}`);
      return names.length === 0 ? '' : join('+', names);
    };
    check('jobFields', jobFields, ({ length }) => length > 0, 'a list that is not empty; leave it out for the default');
    const items = jobFields === undefined ? [] : [together('jobFields', jobFields)];
    for (const [event, names] of Object.entries(jobFieldsByEvent)) {
      const isName = (name: string) => /^[^,]+$/.test(name) && name === name.trim() && name !== '*';
      check('jobFieldsByEvent', event, isName, 'by name of an event (not *), without commas or spaces around it');
      items.push(join('=', [event, together(`jobFieldsByEvent.${event}`, names)]));
    }
    return joined(items);
  },
};

function joined(items: readonly string[]): string | undefined {
  return items.length === 0 ? undefined : join(',', items);
}

/** Joins texts; CloudFormation does it if one of them is known only at deployment. */
function join(separator: string, items: readonly string[]): string {
  return Token.isUnresolved(items) || items.some((item) => Token.isUnresolved(item))
    ? Fn.join(separator, [...items])
    : items.join(separator);
}
