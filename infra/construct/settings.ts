import { wholeNumber } from '../../functions/schemas.ts';
import { DAYS, FLAG, JOB_FIELDS, list, MILLISECONDS, MINUTES, NUMBER, of, PATHS, START_FROM, TEXT } from './formats.ts';
import { OPERATION } from './operation-settings.ts';
import type { Setting } from './setting.ts';

/**
 * EventBridge Scheduler works in whole minutes:
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
 */
const minutes = (most: number) => ({ ...wholeNumber(1, most), allowed: `whole minutes from 1 to ${most}` });

/**
 * All settings.
 *
 * The checks at synthesis, the environment of the functions, the options of `cdk deploy` and the tables of the
 * documentation come from this table and from {@link VARIABLES}, which has the checks of the functions.
 */
export const SETTINGS = [
  {
    option: 'redis',
    prop: 'redis',
    about:
      'Name or complete ARN of the secret with the URL of Redis; with `redisIam`, the URL itself, without a password.',
    default: '- required; `cdk.json` has `bullbridge/redis-url`',
  },
  {
    option: 'redisIam',
    prop: 'redis',
    variable: 'BULLBRIDGE_REDIS_IAM',
    about:
      'The AWS cache that accepts an IAM token as the password; the URL is then `rediss://<user id>@<host>:6379`, without a password.',
    default: '- none',
  },
  {
    option: 'redisCluster',
    prop: 'redis.cluster',
    variable: 'BULLBRIDGE_REDIS_CLUSTER',
    about:
      'Whether Redis is a cluster; the URL then names one of its nodes or the configuration endpoint. With `redisIam`, ElastiCache Serverless and MemoryDB are clusters by default.',
  },
  {
    option: 'redisSentinel',
    prop: 'redis.sentinel',
    variable: 'BULLBRIDGE_REDIS_SENTINEL',
    about: 'The name of the master at the Sentinels; the URL then names the Sentinels, separated by commas.',
    default: '- no Sentinels',
  },
  {
    option: 'redisCaFile',
    prop: 'redis.ca',
    about: 'File with the PEM certificate of your own authority that signed the certificate of Redis.',
    default: '- the authorities that Node trusts',
  },
  {
    option: 'redisSecurityGroupId',
    prop: 'redis.securityGroup',
    about: 'The security group of Redis; the stack lets the functions in. Needs `vpcId`.',
    default: '- none',
  },
  {
    option: 'stackName',
    about: 'Name of the stack. A new name makes a new deployment.',
    default: 'Bullbridge',
  },
  {
    option: 'eventBusName',
    prop: 'eventBus',
    about: 'Name or ARN of an existing bus to publish to.',
    default: '- a bus of its own',
  },
  {
    option: 'queues',
    variable: 'BULLBRIDGE_QUEUES',
    ...of('queues', list('queues', /^[^,:]+$/, 'commas, colons')),
    about: 'Queues to forward; `*` is all queues that a run finds under the prefix.',
  },
  {
    option: 'events',
    variable: 'BULLBRIDGE_EVENTS',
    ...of('events', list('events', /^[^,]+$/, 'commas')),
    about: 'Events to forward; `*` is all events, including custom events and entries without a name.',
  },
  {
    option: 'jobFields',
    variable: 'BULLBRIDGE_JOB_FIELDS',
    ...JOB_FIELDS,
    about:
      'Fields of the job that events carry, such as `name+attemptsMade,failed=name+opts.attempts+data.orderId`; see [enrichment](docs/enrichment.md).',
    default: '- none, and no job is read',
  },
  {
    option: 'jobDataBytes',
    variable: 'BULLBRIDGE_JOB_DATA_BYTES',
    ...of('jobDataBytes', NUMBER),
    about:
      'Bytes that each value of a job may have as JSON; `detail.job.omitted` names larger values, which are left out.',
  },
  {
    option: 'omit',
    variable: 'BULLBRIDGE_OMIT',
    ...of('omit', PATHS),
    about: 'Fields that must not leave Redis, such as `failedReason,returnvalue.items.*.token,job.data.password`.',
    default: '- no field is left out',
  },
  {
    option: 'prefix',
    variable: 'BULLBRIDGE_PREFIX',
    ...of('prefix', TEXT),
    about: "BullMQ's key prefix.",
  },
  {
    option: 'sourceName',
    variable: 'BULLBRIDGE_SOURCE_NAME',
    ...of('sourceName', TEXT),
    about: 'The name of this Redis in the ids of events and in the keys of positions; it must never change.',
  },
  {
    option: 'startFrom',
    variable: 'BULLBRIDGE_START_FROM',
    ...START_FROM,
    about:
      'Where the first run begins to read a queue: at the oldest entry of its stream (`beginning`), or at the first entry written after that run started (`now`). `now,emails=beginning` makes an exception for one queue.',
  },
  {
    option: 'intervalMinutes',
    ...of('interval', MINUTES),
    ...minutes(13),
    known: true,
    about: 'Minutes from one run to the next.',
    default: '1',
  },
  {
    option: 'tail',
    variable: 'BULLBRIDGE_TAIL',
    ...of('tail', TEXT),
    about:
      'Whether a run that has caught up listens until the next run starts: `always`, `never`, or `auto`. With `auto`, it listens while a queue is so busy that Redis could trim its stream before the next run reads it.',
  },
  {
    option: 'publisher',
    variable: 'BULLBRIDGE_PUBLISHER',
    ...of('publisher', TEXT),
    about:
      "The sender of events to the bus. `lean` is bullbridge's own sender: it uses the SDK's credentials, endpoints and signatures, but less than half of its CPU time, and it does not support HTTP proxies. `sdk` is the client of the AWS SDK.",
  },
  {
    option: 'shards',
    ...of('shards', NUMBER),
    ...wholeNumber(1, 100),
    known: true,
    about: 'Number of runs at the same time, each with its part of the queues.',
    default: '1',
  },
  {
    option: 'sweepSize',
    variable: 'BULLBRIDGE_SWEEP_SIZE',
    ...of('sweepSize', NUMBER),
    about:
      'Stream entries that are published before the position is saved. After an interrupted run, up to twice as many events may come again.',
  },
  {
    option: 'reconcileIntervalMinutes',
    ...of('reconcileInterval', MINUTES),
    ...minutes(24 * 60),
    known: true,
    about: 'Minutes from one recovery of lost events to the next.',
    default: '5',
  },
  {
    option: 'queueMetrics',
    variable: 'BULLBRIDGE_QUEUE_METRICS',
    ...of('queueMetrics', FLAG),
    about: 'Whether there are also metrics for each queue. CloudWatch charges for each of these metrics.',
  },
  {
    option: 'jobMetrics',
    variable: 'BULLBRIDGE_JOB_METRICS',
    ...of('jobMetrics', list('jobMetrics', /^[^,]+$/, 'commas')),
    about:
      'Events to count for each queue, forwarded or not, such as `completed,failed,stalled`; see [metrics of jobs](docs/metrics.md#metrics-of-jobs).',
    default: '- none',
  },
  {
    option: 'payloadBucketName',
    prop: 'payloadBucket',
    about: 'Name of an existing bucket for fields that are too large for EventBridge.',
    default: '- a bucket of its own',
  },
  {
    option: 'payloadBucketKeyArn',
    prop: 'payloadBucket',
    about: 'ARN of the KMS key that encrypts the existing bucket; needs `payloadBucketName`.',
    default: '- a key of AWS',
  },
  {
    ...of('payloadRetention', DAYS),
    ...wholeNumber(1, 36_500),
    allowed: 'whole days from 1 to 36500',
    about: 'How long a bucket of its own keeps payloads.',
    default: '30',
  },
  ...OPERATION,
  {
    variable: 'BULLBRIDGE_CLOCK_SKEW_MS',
    ...of('clockSkew', MILLISECONDS),
    allowed: 'whole milliseconds up to an hour',
    about:
      'Milliseconds by which the clocks of Redis and of workers may differ; the recovery of lost events allows for them.',
  },
  {
    variable: 'REDIS_URL',
    about:
      'The URL of Redis, `redis://`, or `rediss://` for TLS; Sentinels or the nodes of a cluster are separated by commas. Set this or `REDIS_URL_SECRET_ARN`.',
  },
  {
    variable: 'REDIS_URL_SECRET_ARN',
    about:
      'Secret with the URL, as plain text or as JSON with the key `url` and, if needed, `ca`, `sentinelUsername` and `sentinelPassword`.',
  },
  {
    variable: 'BULLBRIDGE_REDIS_CA',
    about:
      'Certificate of the authority that signed the certificate of Redis; it is trusted instead of the public authorities.',
  },
  {
    variable: 'BULLBRIDGE_DEPLOYMENT',
    about: 'Name of this deployment in metrics; the construct sets it to `<stack>/<path of the construct>`.',
  },
  { variable: 'BULLBRIDGE_INTERVAL_SECONDS', about: 'Seconds from one run to the next.' },
  { variable: 'EVENT_BUS_NAME', about: 'The bus to publish to.' },
  { variable: 'CHECKPOINT_TABLE', about: 'The table of positions, leases and gaps; string keys `pk` and `sk`.' },
  { variable: 'DEAD_LETTER_QUEUE_URL', about: 'The dead-letter queue, for events that the bus refuses.' },
  {
    variable: 'PAYLOAD_BUCKET',
    about:
      'The bucket for the largest fields of events that are too large for the bus. Without it, these fields are cut.',
  },
  {
    variable: 'AWS_ENDPOINT_URL_S3',
    about:
      'The endpoint of S3, if S3 is not in AWS; the default is `AWS_ENDPOINT_URL`. The SDK itself reads the endpoints of the other services.',
  },
  { variable: 'AWS_ENDPOINT_URL', about: 'The endpoint of all services, if they are not in AWS.' },
] as const satisfies readonly Setting[];
