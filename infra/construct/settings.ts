import { wholeNumber } from '../../functions/schemas.ts';
import { DAYS, FLAG, JOB_FIELDS, list, MILLISECONDS, MINUTES, NUMBER, of, PATHS, START_FROM, TEXT } from './formats.ts';
import { OPERATION } from './operation-settings.ts';
import type { Setting } from './setting.ts';

/** EventBridge Scheduler counts in minutes: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html */
const minutes = (most: number) => ({ ...wholeNumber(1, most), allowed: `whole minutes from 1 to ${most}` });

/**
 * Every setting. The checks at synthesis, the environment of the functions, the options of `cdk deploy` and the tables
 * of the documentation are made from this table and from {@link VARIABLES}, which has what the functions check.
 */
export const SETTINGS = [
  {
    option: 'redis',
    about:
      'Name or complete ARN of the secret with the URL of Redis; with `redisIam` the URL itself, without a password.',
    default: '- required; `cdk.json` has `bullbridge/redis-url`',
  },
  {
    option: 'redisIam',
    variable: 'BULLBRIDGE_REDIS_IAM',
    about:
      'The cache of AWS that takes an IAM token for a password; the URL is then `rediss://<user id>@<host>:6379`, without one.',
    default: '- none',
  },
  {
    option: 'redisCluster',
    variable: 'BULLBRIDGE_REDIS_CLUSTER',
    about:
      'Whether Redis is a cluster; the URL names one of its nodes or the configuration endpoint. ElastiCache Serverless and MemoryDB by IAM are clusters by default.',
  },
  {
    option: 'redisSentinel',
    variable: 'BULLBRIDGE_REDIS_SENTINEL',
    about:
      'The name by which Sentinels know the master; the URL then names the Sentinels, several separated by commas.',
    default: '- no Sentinels',
  },
  {
    option: 'redisCaFile',
    about: 'File with the PEM certificate of your own authority, which signed the certificate of Redis.',
    default: '- the authorities that Node trusts',
  },
  {
    option: 'redisSecurityGroupId',
    about: 'The security group of Redis, which the stack opens to the functions; needs `vpcId`.',
    default: '- none',
  },
  { option: 'stackName', about: 'Name of the stack: another one is another deployment.', default: 'Bullbridge' },
  { option: 'eventBusName', about: 'Name or ARN of an existing bus to publish to.', default: '- a bus of its own' },
  {
    option: 'queues',
    variable: 'BULLBRIDGE_QUEUES',
    ...of('queues', list('queues', /^[^,:]+$/, 'commas, colons')),
    about: 'Queues to forward; `*` is all that are found under the prefix, at each run.',
  },
  {
    option: 'events',
    variable: 'BULLBRIDGE_EVENTS',
    ...of('events', list('events', /^[^,]+$/, 'commas')),
    about: 'Events to forward; `*` is all of them, with custom events and entries without a name.',
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
    about: 'Bytes that each value of a job may have as JSON; a longer one is left out, and named.',
  },
  {
    option: 'omit',
    variable: 'BULLBRIDGE_OMIT',
    ...of('omit', PATHS),
    about: 'What must not leave Redis, such as `failedReason,returnvalue.items.*.token,job.data.password`.',
    default: '- nothing is left out',
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
    about: 'Names this Redis in the ids of events and positions, so it must never change.',
  },
  {
    option: 'startFrom',
    variable: 'BULLBRIDGE_START_FROM',
    ...START_FROM,
    about:
      'Where a queue seen first begins: at the oldest entry left (`beginning`), or with entries written after the first run has started (`now`); `now,emails=beginning` makes an exception.',
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
      'Whether a run that has caught up keeps listening until the next one: `always`, `never`, or `auto`: while a queue is so busy that Redis could trim its stream before the next run reads it.',
  },
  {
    option: 'publisher',
    variable: 'BULLBRIDGE_PUBLISHER',
    ...of('publisher', TEXT),
    about:
      "What sends events to the bus: `lean`, bullbridge's own sender, with the SDK's credentials, endpoints and signatures but less than half of its CPU time (it knows no HTTP proxy), or `sdk`, the client of the AWS SDK.",
  },
  {
    option: 'shards',
    ...of('shards', NUMBER),
    ...wholeNumber(1, 100),
    known: true,
    about: 'Runs at the same time, each with its part of the queues.',
    default: '1',
  },
  {
    option: 'sweepSize',
    variable: 'BULLBRIDGE_SWEEP_SIZE',
    ...of('sweepSize', NUMBER),
    about:
      'Entries that are published and saved together; twice as many events may come twice after an interrupted run.',
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
    about: 'Whether metrics also come for each queue. CloudWatch charges for every one of them.',
  },
  {
    option: 'jobMetrics',
    variable: 'BULLBRIDGE_JOB_METRICS',
    ...of('jobMetrics', list('jobMetrics', /^[^,]+$/, 'commas')),
    about:
      'Events to count for each queue, forwarded or not, such as `completed,failed,stalled`; see [metrics of jobs](docs/deploy.md#metrics-of-jobs).',
    default: '- none',
  },
  {
    option: 'payloadBucketName',
    about: 'Name of an existing bucket for fields that are too large for EventBridge.',
    default: '- a bucket of its own',
  },
  {
    option: 'payloadBucketKeyArn',
    about: 'KMS key that encrypts the existing bucket; needs `payloadBucketName`.',
    default: '- a key of AWS',
  },
  {
    ...of('payloadRetention', DAYS),
    ...wholeNumber(1, 36_500),
    allowed: 'whole days from 1 to 36500',
    about: 'How long the bucket of its own keeps payloads.',
    default: '30',
  },
  ...OPERATION,
  {
    variable: 'BULLBRIDGE_CLOCK_SKEW_MS',
    ...of('clockSkew', MILLISECONDS),
    allowed: 'whole milliseconds up to an hour',
    about: 'By how many milliseconds the clocks of Redis and of workers may differ, for the recovery of lost events.',
  },
  {
    variable: 'REDIS_URL',
    about:
      'Redis, `redis://` or `rediss://` for TLS; the hosts of Sentinels or of a cluster may be several, separated by commas. This or `REDIS_URL_SECRET_ARN`.',
  },
  {
    variable: 'REDIS_URL_SECRET_ARN',
    about:
      'Secret that holds the URL, as plain text or as JSON with the key `url`, and where they are needed `ca`, `sentinelUsername` and `sentinelPassword`.',
  },
  {
    variable: 'BULLBRIDGE_REDIS_CA',
    about:
      'Certificate of the authority that signed the certificate of Redis; it is trusted instead of the public ones.',
  },
  {
    variable: 'BULLBRIDGE_DEPLOYMENT',
    about: 'Names this deployment in metrics; the construct sets it to `<stack>/<path of the construct>`.',
  },
  { variable: 'BULLBRIDGE_INTERVAL_SECONDS', about: 'Seconds from one run to the next.' },
  { variable: 'EVENT_BUS_NAME', about: 'The bus to publish to.' },
  { variable: 'CHECKPOINT_TABLE', about: 'The table with leases, positions and gaps; string keys `pk` and `sk`.' },
  { variable: 'DEAD_LETTER_QUEUE_URL', about: 'The queue for events that the bus refuses.' },
  {
    variable: 'PAYLOAD_BUCKET',
    about: 'Where events that are too large for the bus leave their largest fields. Without it, those are cut.',
  },
  {
    variable: 'AWS_ENDPOINT_URL_S3',
    about:
      'S3, where it is not in AWS; without it `AWS_ENDPOINT_URL`. The SDK reads those of the other services itself.',
  },
  { variable: 'AWS_ENDPOINT_URL', about: 'All services, where they are not in AWS.' },
] as const satisfies readonly Setting[];
