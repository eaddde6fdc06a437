import { Fn, Tokenization } from 'aws-cdk-lib';
import { isJobField, JOB_NAMES } from '../../functions/event/job-fields.ts';
import { isOmittable, OMITTABLE } from '../../functions/event/omit.ts';
import type { Config } from '../../functions/settings.ts';
import type { BullbridgeProps } from './bullbridge-props.ts';
import { check } from './check.ts';

/** The variables of a function's environment; a name that the functions do not know does not compile. */
export type Environment = { readonly [Name in keyof Config]?: string | undefined };

/**
 * The variables that say what is forwarded: only those whose props are given, the functions have the defaults.
 *
 * The functions check their environment too, but at their first run; here a fault stops the synthesis.
 */
export function settingsOf(props: BullbridgeProps): Environment {
  const { prefix, jobDataBytes, sourceName, sweepSize, clockSkew, queueMetrics, tail, publisher } = props;
  check('prefix', prefix, (text) => text !== '', 'a text that is not empty');
  check(
    'sourceName',
    sourceName,
    (name) => /^[\w.-]{1,64}$/.test(name),
    '1 to 64 letters, digits, dots, dashes or underscores',
  );
  check(
    'jobDataBytes',
    jobDataBytes,
    (bytes) => Number.isInteger(bytes) && bytes >= 64 && bytes <= 65_536,
    'a whole number from 64 to 65536',
  );
  check(
    'sweepSize',
    sweepSize,
    (size) => Number.isInteger(size) && size >= 1 && size <= 10_000,
    'a whole number from 1 to 10000',
  );
  check('tail', tail, (text) => ['auto', 'always', 'never'].includes(text), '"auto", "always" or "never"');
  check('publisher', publisher, (text) => ['lean', 'sdk'].includes(text), '"lean" or "sdk"');
  const skew = clockSkew?.toMilliseconds({ integral: false });
  check(
    'clockSkew',
    skew,
    (milliseconds) => Number.isInteger(milliseconds) && milliseconds <= 3_600_000,
    'whole milliseconds up to an hour',
  );
  return {
    BULLBRIDGE_PREFIX: prefix,
    BULLBRIDGE_QUEUES: listOf('queues', props.queues, /^[^,:]+$/, 'commas, colons'),
    BULLBRIDGE_EVENTS: listOf('events', props.events, /^[^,]+$/, 'commas'),
    BULLBRIDGE_JOB_FIELDS: jobFieldsOf(props),
    BULLBRIDGE_JOB_DATA_BYTES: jobDataBytes === undefined ? undefined : Tokenization.stringifyNumber(jobDataBytes),
    BULLBRIDGE_OMIT: omissionOf(props.omit),
    BULLBRIDGE_SOURCE_NAME: sourceName,
    BULLBRIDGE_START_FROM: startFromOf(props),
    BULLBRIDGE_TAIL: tail,
    BULLBRIDGE_PUBLISHER: publisher,
    BULLBRIDGE_SWEEP_SIZE: sweepSize === undefined ? undefined : Tokenization.stringifyNumber(sweepSize),
    BULLBRIDGE_CLOCK_SKEW_MS: skew === undefined ? undefined : Tokenization.stringifyNumber(skew),
    BULLBRIDGE_QUEUE_METRICS: queueMetrics?.toString(),
  };
}

/** Without the variables that are not set. */
export function given(environment: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => Boolean(entry[1])),
  );
}

function startFromOf({ startFrom, startFromByQueue = {} }: BullbridgeProps): string | undefined {
  const checkPlace = (prop: string, place: string | undefined) =>
    check(prop, place, (text) => ['beginning', 'now'].includes(text), '"beginning" or "now"');
  checkPlace('startFrom', startFrom);
  const exceptions = Object.entries(startFromByQueue).map(([queue, place]) => {
    const isName = (name: string) => /^[^,:]+$/.test(name) && name === name.trim();
    check('startFromByQueue', queue, isName, 'by names of queues, without commas, colons or spaces around them');
    checkPlace(`startFromByQueue.${queue}`, place);
    return Fn.join('=', [queue, place]);
  });
  const items = startFrom === undefined ? exceptions : [startFrom, ...exceptions];
  return items.length === 0 ? undefined : Fn.join(',', items);
}

function jobFieldsOf({ jobFields, jobFieldsByEvent = {} }: BullbridgeProps): string | undefined {
  const join = (prop: string, names: readonly string[]) => {
    for (const name of names) check(prop, name, isJobField, `names out of ${JOB_NAMES}`);
    return names.length === 0 ? '' : Fn.join('+', [...names]);
  };
  check('jobFields', jobFields, ({ length }) => length > 0, 'a list that is not empty; leave it out for the default');
  const items = jobFields === undefined ? [] : [join('jobFields', jobFields)];
  for (const [event, names] of Object.entries(jobFieldsByEvent)) {
    const isName = (name: string) => /^[^,]+$/.test(name) && name === name.trim() && name !== '*';
    check('jobFieldsByEvent', event, isName, 'by names of events (not *), without commas or spaces around them');
    items.push(Fn.join('=', [event, join(`jobFieldsByEvent.${event}`, names)]));
  }
  return items.length === 0 ? undefined : Fn.join(',', items);
}

function omissionOf(paths: readonly string[] | undefined): string | undefined {
  if (paths === undefined || paths.length === 0) return undefined;
  for (const path of paths) check('omit', path, isOmittable, `names or paths that begin with ${OMITTABLE}`);
  return Fn.join(',', [...paths]);
}

function listOf(prop: string, list: readonly string[] | undefined, name: RegExp, without: string): string | undefined {
  if (list === undefined) return undefined;
  const allowed = `a list of names without ${without} or spaces around them; leave it out for the default`;
  check(prop, list, ({ length }) => length > 0, allowed);
  for (const item of list) check(prop, item, (text) => name.test(text) && text === text.trim(), allowed);
  return Fn.join(',', [...list]);
}
