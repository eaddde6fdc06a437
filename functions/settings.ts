import { closest } from 'fastest-levenshtein';
import * as z from 'zod/mini';
import { DEFAULTS } from './defaults.ts';
import { ConfigError } from './errors.ts';
import type { DetailSettings } from './event/detail-settings.ts';
import { JOB_NAMES, parseJobFields } from './event/job-fields.ts';
import { COUNTABLE, parseJobMetrics } from './event/job-metrics.ts';
import { OMITTABLE, parseOmission } from './event/omit.ts';
import { parseIamCache, redisFaults } from './redis/settings.ts';
import { parseRedisUrl } from './redis/url.ts';
import { certificates, flag, type Kind, names, oneOf, parsedBy, text, url, wholeNumber } from './schemas.ts';
import { parseStartFrom } from './start-from.ts';

export interface Variable<T> extends Kind<T> {
  readonly default?: string;
  readonly optional?: true;
  /** Errors never contain the value; the schema has a message for each fault. */
  readonly secret?: true;
}

const redisUrl = z.string().check(
  z.refine((value) => parseRedisUrl(value).url !== undefined, {
    error: ({ input }) => parseRedisUrl(`${input}`).fault,
  }),
);

const JOB_FIELDS = `names joined by +, then event=names for exceptions, separated by commas; the names are ${JOB_NAMES}`;
const OMIT = `a comma-separated list of names or paths that begin with ${OMITTABLE}; * is any name or index`;
const CACHE = 'elasticache:<replication group>, elasticache-serverless:<cache> or memorydb:<cluster>';
const START_FROM = 'beginning or now, then queue=beginning or queue=now for exceptions, separated by commas';

/**
 * All environment variables of the functions, with their allowed values.
 *
 * Their meanings, and the props and options that set them, are in `infra/construct/settings.ts`, which is in no bundle.
 */
export const VARIABLES = {
  REDIS_URL: {
    schema: redisUrl,
    allowed: 'a URL such as redis://user:password@host:6379',
    optional: true,
    secret: true,
  },
  REDIS_URL_SECRET_ARN: { ...text('the ARN or name of a secret'), optional: true },
  BULLBRIDGE_REDIS_CLUSTER: { ...flag, default: 'false' },
  BULLBRIDGE_REDIS_SENTINEL: { ...text('the name of a master'), optional: true },
  BULLBRIDGE_REDIS_CA: { ...certificates, optional: true },
  BULLBRIDGE_REDIS_IAM: { ...parsedBy(parseIamCache, CACHE), optional: true },
  BULLBRIDGE_PREFIX: { ...text('a text that is not empty'), default: DEFAULTS.prefix },
  BULLBRIDGE_QUEUES: {
    ...names('a comma-separated list of queue names (without colons), or *', /^[^:]+$/),
    default: '*',
  },
  BULLBRIDGE_EVENTS: {
    ...names('a comma-separated list of event names, or *', /./),
    default: DEFAULTS.events.join(),
  },
  BULLBRIDGE_JOB_FIELDS: { ...parsedBy(parseJobFields, JOB_FIELDS), optional: true },
  BULLBRIDGE_JOB_DATA_BYTES: { ...wholeNumber(64, 65_536), default: '4096' },
  BULLBRIDGE_OMIT: { ...parsedBy(parseOmission, OMIT), optional: true },
  BULLBRIDGE_SOURCE_NAME: {
    ...text('1 to 64 letters, digits, dots, dashes or underscores', /^[\w.-]{1,64}$/),
    default: DEFAULTS.sourceName,
  },
  BULLBRIDGE_DEPLOYMENT: { ...text('a text that is not empty'), default: 'local' },
  BULLBRIDGE_START_FROM: { ...parsedBy(parseStartFrom, START_FROM), default: 'beginning' },
  BULLBRIDGE_TAIL: { ...oneOf('auto', 'always', 'never'), default: 'auto' },
  BULLBRIDGE_INTERVAL_SECONDS: { ...wholeNumber(1, 86_400), default: '60' },
  BULLBRIDGE_SWEEP_SIZE: { ...wholeNumber(1, 10_000), default: '1000' },
  BULLBRIDGE_CLOCK_SKEW_MS: { ...wholeNumber(0, 3_600_000), default: '2000' },
  BULLBRIDGE_PUBLISHER: { ...oneOf('lean', 'sdk'), default: 'lean' },
  BULLBRIDGE_QUEUE_METRICS: { ...flag, default: 'false' },
  BULLBRIDGE_JOB_METRICS: { ...parsedBy(parseJobMetrics, `a comma-separated list of ${COUNTABLE}`), optional: true },
  EVENT_BUS_NAME: text('the name or ARN of an event bus'),
  CHECKPOINT_TABLE: text('the name of a DynamoDB table'),
  DEAD_LETTER_QUEUE_URL: url('the URL of an SQS queue'),
  PAYLOAD_BUCKET: { ...text('the name of an S3 bucket', /^[\w.-]{3,255}$/), optional: true },
  AWS_ENDPOINT_URL_S3: { ...url('a URL'), optional: true },
  AWS_ENDPOINT_URL: { ...url('a URL'), optional: true },
} as const satisfies Record<string, Variable<unknown>>;

export type VariableName = keyof typeof VARIABLES;

type Value<Name extends VariableName> =
  | z.output<(typeof VARIABLES)[Name]['schema']>
  | ((typeof VARIABLES)[Name] extends { optional: true } ? undefined : never);

/** The validated environment of a function, by the name of the variable. */
export type Config = { readonly [Name in VariableName]: Value<Name> };

/**
 * Reads the configuration from the environment.
 *
 * @throws {ConfigError} that lists all faults: the given value, the allowed values, and the nearest name to an unknown
 * `BULLBRIDGE_*`
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, variable] of Object.entries<Variable<unknown>>(VARIABLES)) {
    const given = environment[name] || undefined;
    const value = given ?? variable.default;
    if (value === undefined && variable.optional) continue;
    const parsed = value === undefined ? undefined : variable.schema.safeParse(value);
    if (parsed?.success) values[name] = parsed.data;
    else if (given === undefined) faults.push(`${name} is not set; it must be ${variable.allowed}`);
    else if (variable.secret)
      faults.push(`${name} is not valid (its value is not repeated here): ${messageOf(parsed)}`);
    else faults.push(`${name} is ${JSON.stringify(given)}; it must be ${variable.allowed}`);
  }
  if (Boolean(environment['REDIS_URL']) === Boolean(environment['REDIS_URL_SECRET_ARN'])) {
    const found = environment['REDIS_URL']
      ? 'both REDIS_URL and REDIS_URL_SECRET_ARN are set'
      : 'neither REDIS_URL nor REDIS_URL_SECRET_ARN is set';
    faults.push(`${found}; set exactly one of them`);
  }
  const { REDIS_URL = '', ...settings } = values as unknown as Partial<Config>;
  faults.push(...redisFaults(parseRedisUrl(REDIS_URL).url, settings));
  for (const name of Object.keys(environment)) {
    if (!name.startsWith('BULLBRIDGE_') || Object.hasOwn(VARIABLES, name)) continue;
    faults.push(`${name} is not known; the nearest name is ${closest(name, Object.keys(VARIABLES))}`);
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return values as Config;
}

function messageOf(parsed: z.core.util.SafeParseResult<unknown> | undefined): string | undefined {
  return parsed?.error?.issues[0]?.message;
}

/** The settings for the fields that details contain and leave out. */
export function detailSettings({
  BULLBRIDGE_JOB_FIELDS: fields,
  BULLBRIDGE_JOB_DATA_BYTES: maxBytes,
  BULLBRIDGE_OMIT: omit,
}: Config): DetailSettings {
  return { jobs: fields && { fields, maxBytes }, omit };
}
