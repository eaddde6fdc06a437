import { closest } from 'fastest-levenshtein';
import * as z from 'zod/mini';
import { DEFAULTS } from './defaults.ts';
import { ConfigError } from './errors.ts';
import type { DetailSettings } from './event/detail-settings.ts';
import { JOB_NAMES, parseJobFields } from './event/job-fields.ts';
import { OMITTABLE, parseOmission } from './event/omit.ts';
import { parseIamCache, redisFaults } from './redis/settings.ts';
import { parseRedisUrl } from './redis/url.ts';
import { certificates, flag, names, oneOf, parsedBy, text, url, wholeNumber } from './schemas.ts';
import { parseStartFrom } from './start-from.ts';

interface Variable<T> {
  readonly schema: z.ZodMiniType<T, string>;
  /** What it means, for the configuration reference. */
  readonly about: string;
  /** What it may be, in words that end the sentence "it must be …". */
  readonly allowed: string;
  readonly default?: string;
  readonly optional?: true;
  /** Its value is never repeated; the schema has a message for each fault. */
  readonly secret?: true;
}

const redisUrl = z.string().check(
  z.refine((value) => parseRedisUrl(value).url !== undefined, {
    error: ({ input }) => parseRedisUrl(`${input}`).fault,
  }),
);

/** Every variable of the functions' environment; the reference in the README is made from this table. */
export const VARIABLES = {
  REDIS_URL: {
    schema: redisUrl,
    optional: true,
    secret: true,
    allowed: 'a URL such as redis://user:password@host:6379',
    about:
      'Redis, `redis://` or `rediss://` for TLS; the hosts of Sentinels or of a cluster may be several, separated by commas. This or `REDIS_URL_SECRET_ARN`.',
  },
  REDIS_URL_SECRET_ARN: {
    schema: text,
    optional: true,
    allowed: 'the ARN or name of a secret',
    about:
      'Secrets Manager secret that holds the URL, as plain text or as JSON with the key `url`, and where they are needed `ca`, `sentinelUsername` and `sentinelPassword`.',
  },
  BULLBRIDGE_REDIS_CLUSTER: {
    schema: flag,
    default: 'false',
    allowed: 'true or false',
    about:
      'Whether Redis is in cluster mode. From version 6 on it says so itself; with `true`, one that is not is refused.',
  },
  BULLBRIDGE_REDIS_SENTINEL: {
    schema: text,
    optional: true,
    allowed: 'the name of a master',
    about: 'Name of the master, where the URL is that of Sentinels.',
  },
  BULLBRIDGE_REDIS_CA: {
    schema: certificates,
    optional: true,
    allowed: 'a certificate in PEM, or several',
    about:
      "Certificate of the authority that signed Redis's, in PEM; it is then trusted instead of the public ones. Also the key `ca` of the secret.",
  },
  BULLBRIDGE_REDIS_IAM: {
    schema: parsedBy(parseIamCache),
    optional: true,
    allowed: 'elasticache:<replication group>, elasticache-serverless:<cache> or memorydb:<cluster>',
    about:
      'The cache that takes an IAM token for a password; the URL is then `rediss://<user id>@host:6379`, without one.',
  },
  BULLBRIDGE_PREFIX: { schema: text, default: DEFAULTS.prefix, allowed: 'a text', about: 'BullMQ key prefix.' },
  BULLBRIDGE_QUEUES: {
    schema: names(/^[^:]+$/),
    default: '*',
    allowed: 'a comma-separated list of queue names (without colons), or *',
    about:
      'Queues to forward, or `*`: all that are found under the prefix. A new one is found by the next run, among millions of keys by one of the next.',
  },
  BULLBRIDGE_EVENTS: {
    schema: names(/./),
    default: DEFAULTS.events.join(),
    allowed: 'a comma-separated list of event names, or *',
    about: 'Events to forward, or `*`: all, with custom events and entries without a name.',
  },
  BULLBRIDGE_JOB_FIELDS: {
    schema: parsedBy(parseJobFields),
    optional: true,
    allowed: `names joined by + for all events, and then for single events event=names, separated by commas; the names are ${JOB_NAMES}`,
    about:
      'What events tell of their jobs, such as `name+attemptsMade,failed=name+opts.attempts+data.orderId`; see [docs/enrichment.md](docs/enrichment.md). Without it nothing, and no job is read.',
  },
  BULLBRIDGE_JOB_DATA_BYTES: {
    schema: wholeNumber(64, 65_536),
    default: '4096',
    allowed: 'a whole number from 64 to 65536',
    about: 'Bytes that each value of a job may have as JSON; one with more is left out, and named.',
  },
  BULLBRIDGE_OMIT: {
    schema: parsedBy(parseOmission),
    optional: true,
    allowed: `a comma-separated list of names or paths that begin with ${OMITTABLE}; * is any name or index`,
    about: 'What must not leave Redis, such as `failedReason,returnvalue.items.*.token,job.data.password`.',
  },
  BULLBRIDGE_SOURCE_NAME: {
    schema: z.string().check(z.regex(/^[\w.-]{1,64}$/)),
    default: DEFAULTS.sourceName,
    allowed: '1 to 64 letters, digits, dots, dashes or underscores',
    about: 'Names this Redis in the ids of events and positions; must outlive it.',
  },
  BULLBRIDGE_START_FROM: {
    schema: parsedBy(parseStartFrom),
    default: 'beginning',
    allowed: 'beginning or now, and then for single queues queue=beginning or queue=now, separated by commas',
    about:
      'Where a queue seen first begins: at the oldest entry still there (`beginning`), or with what comes from the first run on (`now`). `now,emails=beginning` makes an exception.',
  },
  BULLBRIDGE_TAIL: {
    schema: oneOf('auto', 'always', 'never'),
    default: 'auto',
    allowed: 'auto, always or never',
    about:
      'Whether a run that has caught up goes on listening until the next one: `always`, `never`, or `auto`: while a queue is so busy that Redis could trim its stream before the next run reads it.',
  },
  BULLBRIDGE_INTERVAL_SECONDS: {
    schema: wholeNumber(1, 86_400),
    default: '60',
    allowed: 'a whole number from 1 to 86400',
    about: "The schedule's interval.",
  },
  BULLBRIDGE_SWEEP_SIZE: {
    schema: wholeNumber(1, 10_000),
    default: '1000',
    allowed: 'a whole number from 1 to 10000',
    about: 'Entries that are published and saved together.',
  },
  BULLBRIDGE_CLOCK_SKEW_MS: {
    schema: wholeNumber(0, 3_600_000),
    default: '2000',
    allowed: 'a whole number from 0 to 3600000',
    about: 'Margin for clocks that differ, for the recovery of lost events.',
  },
  BULLBRIDGE_PUBLISHER: {
    schema: oneOf('lean', 'sdk'),
    default: 'lean',
    allowed: 'lean or sdk',
    about:
      "What sends events to the bus: `lean`, a sender of bullbridge's own with the SDK's credentials, endpoints and signatures but less than half of its CPU time (it knows no HTTP proxy), or `sdk`, the client of the AWS SDK.",
  },
  BULLBRIDGE_QUEUE_METRICS: {
    schema: flag,
    default: 'false',
    allowed: 'true or false',
    about: 'Whether metrics also come for each queue. CloudWatch charges for every one of them.',
  },
  EVENT_BUS_NAME: { schema: text, allowed: 'the name or ARN of an event bus', about: 'The bus to publish to.' },
  CHECKPOINT_TABLE: {
    schema: text,
    allowed: 'the name of a DynamoDB table',
    about: 'The table with leases, positions and gaps; string keys `pk` and `sk`.',
  },
  DEAD_LETTER_QUEUE_URL: {
    schema: url(/^https?$/),
    allowed: 'the URL of an SQS queue',
    about: 'The queue for events that the bus refuses.',
  },
  PAYLOAD_BUCKET: {
    schema: z.string().check(z.regex(/^[\w.-]{3,255}$/)),
    optional: true,
    allowed: 'the name of an S3 bucket',
    about: 'Where events that are too large for the bus leave their largest fields. Without it, those are cut.',
  },
  AWS_ENDPOINT_URL_S3: {
    schema: url(/^https?$/),
    optional: true,
    allowed: 'a URL',
    about:
      'S3, where it is not in AWS; without it `AWS_ENDPOINT_URL`. The SDK reads those of the other services itself.',
  },
  AWS_ENDPOINT_URL: {
    schema: url(/^https?$/),
    optional: true,
    allowed: 'a URL',
    about: 'All services, where they are not in AWS.',
  },
} as const satisfies Record<string, Variable<unknown>>;

type Value<Name extends keyof typeof VARIABLES> =
  | z.output<(typeof VARIABLES)[Name]['schema']>
  | ((typeof VARIABLES)[Name] extends { optional: true } ? undefined : never);

/** The validated environment of a function, by the names of its variables. */
export type Config = { readonly [Name in keyof typeof VARIABLES]: Value<Name> };

/**
 * Reads the configuration from an environment.
 *
 * @throws {ConfigError} with every fault at once: what was given, what is allowed, and the nearest name to an unknown `BULLBRIDGE_*`
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
    faults.push(`${found}; exactly one of them says where Redis is`);
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

/** The settings of what details have and leave out. */
export function detailSettings({
  BULLBRIDGE_JOB_FIELDS: fields,
  BULLBRIDGE_JOB_DATA_BYTES: maxBytes,
  BULLBRIDGE_OMIT: omit,
}: Config): DetailSettings {
  return { jobs: fields && { fields, maxBytes }, omit };
}
