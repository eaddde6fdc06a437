import type { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Place } from '../../functions/start-from.ts';
import type { NetworkProps } from './network-props.ts';
import type { OperationProps } from './operation-props.ts';
import type { RedisAccess } from './redis-access.ts';

/** What a {@link Bullbridge} reads, where it publishes and how it runs. */
export interface BullbridgeProps extends NetworkProps, OperationProps {
  /** The Redis to read. */
  readonly redis: RedisAccess;

  /**
   * The bus to publish to.
   *
   * @default - a bus of its own, see {@link Bullbridge.eventBus}
   */
  readonly eventBus?: IEventBus;

  /**
   * Time from one run to the next, 1 to 13 whole minutes.
   *
   * EventBridge Scheduler counts in minutes, and Lambda ends a run at 15 minutes: a run has the interval and 75
   * seconds, as its successor starts within a minute.
   *
   * @default Duration.minutes(1)
   */
  readonly interval?: Duration;

  /**
   * Whether a run goes on listening until the next one, for events within a second instead of an interval.
   *
   * `auto` does so only while Redis would else trim events before the next run. Listening costs the whole time of a
   * function.
   *
   * @default 'auto'
   */
  readonly tail?: 'auto' | 'always' | 'never';

  /**
   * What sends events to the bus: `lean`, bullbridge's own sender, with the SDK's credentials, endpoints and signatures
   * but half of its CPU time, or `sdk`, the client of the AWS SDK, which also knows HTTP proxies.
   *
   * @default 'lean'
   */
  readonly publisher?: 'lean' | 'sdk';

  /**
   * Runs at the same time, 1 to 100, each with its part of the queues.
   *
   * One queue is never in two of them, so more shards than queues are of no use. The account's concurrency must allow
   * as many.
   *
   * @default 1
   */
  readonly shards?: number;

  /**
   * Time from one recovery of lost events to the next, 1 to 1,440 whole minutes.
   *
   * A job can be told of only as long as it is kept: `removeOnComplete` and `removeOnFail` of BullMQ decide on that.
   *
   * @default Duration.minutes(5)
   */
  readonly reconcileInterval?: Duration;

  /**
   * By how much the clocks of Redis and of workers may differ, up to an hour.
   *
   * Around a gap, events of so much time are recovered that may have been forwarded, too; they are marked as possible
   * duplicates.
   *
   * @default Duration.seconds(2)
   */
  readonly clockSkew?: Duration;

  /**
   * BullMQ's key prefix.
   *
   * @default 'bull'
   */
  readonly prefix?: string;

  /**
   * Names of the queues to forward.
   *
   * @default - all that are found under the prefix at each run
   */
  readonly queues?: readonly string[];

  /**
   * Names of the events to forward; `['*']` for all of them, custom ones too.
   *
   * @default ['completed', 'failed', 'stalled']
   */
  readonly events?: readonly string[];

  /**
   * Fields of the job that events carry in `detail.job`: `name`, `attemptsMade`, `attemptsStarted`, `timestamp`,
   * `processedOn`, `finishedOn`, `delay`, `priority`, `parent`, `opts.<path>`, `data`, `data.<path>`; with `trace`, the
   * trace of the job goes on.
   *
   * A job is read when its event is forwarded: its fields can be newer than the event.
   *
   * @default - nothing, and no job is read
   */
  readonly jobFields?: readonly string[];

  /**
   * Exceptions from {@link jobFields}, by the name of the event; `[]` for one that carries nothing of its job.
   *
   * @default - none
   */
  readonly jobFieldsByEvent?: Readonly<Record<string, readonly string[]>>;

  /**
   * Bytes that each value of a job may have as JSON, 64 to 65,536; one with more is left out, and named in
   * `detail.job.omitted`.
   *
   * @default 4096
   */
  readonly jobDataBytes?: number;

  /**
   * What must not leave Redis: names of fields, or paths in them, such as `failedReason`, `returnvalue.items.*.token`,
   * `fields.note` or `job.data.password`; `*` is any name or index.
   *
   * An event of which something was left out says so in `detail.omitted`.
   *
   * @default - nothing is left out
   */
  readonly omit?: readonly string[];

  /**
   * Names this Redis in the ids of events and positions: 1 to 64 letters, digits, dots, dashes or underscores.
   *
   * Together with {@link prefix}, it must be unique on a bus, since it makes the ids of events unique; in a table,
   * since it names the positions; and in a payload bucket, since it names the objects. Metrics are told apart by the
   * name of the stack as well.
   *
   * Another name is another Redis: its streams are read from {@link startFrom} again.
   *
   * @default 'default'
   */
  readonly sourceName?: string;

  /**
   * Where a queue that is seen first begins: at the oldest entry still in its stream, or with what comes from the first
   * run on.
   *
   * A queue that appears later begins at its beginning either way.
   *
   * @default 'beginning'
   */
  readonly startFrom?: Place;

  /**
   * Exceptions from {@link startFrom}, by the name of the queue.
   *
   * @default - none
   */
  readonly startFromByQueue?: Readonly<Record<string, Place>>;

  /**
   * Entries that are published and saved together, 1 to 10,000; twice as many may come twice after an interrupted run.
   *
   * @default 1000
   */
  readonly sweepSize?: number;

  /**
   * The bucket for what is too large for EventBridge: an event leaves its largest fields there, and a claim check in
   * its detail.
   *
   * @default - a bucket of its own, see {@link Bullbridge.payloadBucket}
   */
  readonly payloadBucket?: IBucket;

  /**
   * How long the bucket of its own keeps what events left there, in whole days.
   *
   * @default Duration.days(30)
   */
  readonly payloadRetention?: Duration;

  /**
   * The key that encrypts the bus, the positions, the parked events and the payloads that are its own, and the logs.
   *
   * CloudWatch Logs and EventBridge are let in by the policy of the key; for a key that was imported, write that there:
   * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
   * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-key-policy.html
   * What the policy does not let EventBridge encrypt is kept in a queue, see {@link Bullbridge.busDeadLetterQueue}.
   *
   * @default - keys of AWS
   */
  readonly encryptionKey?: IKey;

  /**
   * The table of positions, leases and gaps: one that a deleted, renamed or restored stack has left. It has the string
   * keys `pk` and `sk`, and `ttl` as its time to live.
   *
   * One table can serve several deployments, as long as each has a {@link sourceName} or a prefix of its own.
   *
   * @default - a table of its own, see {@link Bullbridge.table}
   */
  readonly checkpointTable?: ITable;

  /**
   * The queue for events that the bus refuses: a standard queue that keeps messages for 14 days.
   *
   * @default - a queue of its own, see {@link Bullbridge.deadLetterQueue}
   */
  readonly deadLetterQueue?: IQueue;

  /**
   * What becomes of the positions, the parked events and the payloads when the stack is deleted.
   *
   * The table is also protected from deletion unless this is `DESTROY`.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}
