import type { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { StartPoint } from '../../functions/start-from.ts';
import type { NetworkProps } from './network-props.ts';
import type { OperationProps } from './operation-props.ts';
import type { RedisAccess } from './redis-access.ts';

/** Props of a {@link Bullbridge}: the Redis to read, the bus to publish to, and how it runs. */
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
   * EventBridge Scheduler works in whole minutes, and Lambda ends a run after 15 minutes. A run may take the interval
   * plus 75 seconds, because the next run starts within a minute.
   *
   * @default Duration.minutes(1)
   */
  readonly interval?: Duration;

  /**
   * Whether a run listens until the next run starts, so that events arrive within a second instead of an interval.
   *
   * With `auto`, a run listens only while Redis would otherwise trim events before the next run. AWS charges for all
   * the time that a run listens.
   *
   * @default 'auto'
   */
  readonly tail?: 'auto' | 'always' | 'never';

  /**
   * The sender of events to the bus: `lean` or `sdk`.
   *
   * `lean` is bullbridge's own sender: it uses the SDK's credentials, endpoints and signatures, but half of its CPU
   * time. `sdk` is the client of the AWS SDK, which also supports HTTP proxies.
   *
   * @default 'lean'
   */
  readonly publisher?: 'lean' | 'sdk';

  /**
   * Number of runs at the same time, 1 to 100, each with its part of the queues.
   *
   * A queue belongs to one shard only, so more shards than queues are of no use. The concurrency of the account must
   * allow as many runs.
   *
   * @default 1
   */
  readonly shards?: number;

  /**
   * Time from one recovery of lost events to the next, 1 to 1,440 whole minutes.
   *
   * The end of a job can be recovered only while Redis keeps the job: BullMQ's `removeOnComplete` and `removeOnFail`
   * decide how long.
   *
   * @default Duration.minutes(5)
   */
  readonly reconcileInterval?: Duration;

  /**
   * The largest difference between the clocks of Redis and of workers, up to an hour.
   *
   * Recovery also covers this much time before and after a gap. Events of that time may have been forwarded already, so
   * they are marked as possible duplicates.
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
   * @default - all queues that a run finds under the prefix
   */
  readonly queues?: readonly string[];

  /**
   * Names of the events to forward; `['*']` for all, including custom events.
   *
   * @default ['completed', 'failed', 'stalled']
   */
  readonly events?: readonly string[];

  /**
   * Fields of the job that events carry in `detail.job`: `name`, `attemptsMade`, `attemptsStarted`, `timestamp`,
   * `processedOn`, `finishedOn`, `delay`, `priority`, `parent`, `opts.<path>`, `data`, `data.<path>`. With `trace`, the
   * event continues the trace of the job.
   *
   * A job is read when its event is forwarded, so its fields can be newer than the event.
   *
   * @default - no fields, and no job is read
   */
  readonly jobFields?: readonly string[];

  /**
   * Exceptions from {@link jobFields}, by the name of the event; `[]` for an event without fields of the job.
   *
   * @default - none
   */
  readonly jobFieldsByEvent?: Readonly<Record<string, readonly string[]>>;

  /**
   * Bytes that each value of a job may have as JSON, 64 to 65,536. A larger value is left out and named in
   * `detail.job.omitted`.
   *
   * @default 4096
   */
  readonly jobDataBytes?: number;

  /**
   * Fields that must not leave Redis: names of fields, or paths in them, such as `failedReason`,
   * `returnvalue.items.*.token`, `fields.note` or `job.data.password`; `*` is any name or index.
   *
   * `detail.omitted` of an event names the fields that were left out.
   *
   * @default - no field is left out
   */
  readonly omit?: readonly string[];

  /**
   * The name of this Redis in the ids of events and in the keys of positions: 1 to 64 letters, digits, dots, dashes or
   * underscores.
   *
   * Together with {@link prefix}, it must be unique on a bus (it is part of the ids of events), in a table (it is part
   * of the keys of positions) and in a payload bucket (it is part of the keys of objects). Metrics also have the name
   * of the stack.
   *
   * A new name stands for another Redis: its streams are read from {@link startFrom} again.
   *
   * @default 'default'
   */
  readonly sourceName?: string;

  /**
   * Where the first run begins to read a queue: at the oldest entry still in its stream, or at the first entry that
   * comes after that run began.
   *
   * A queue that appears after the first run is always read from its beginning.
   *
   * @default 'beginning'
   */
  readonly startFrom?: StartPoint;

  /**
   * Exceptions from {@link startFrom}, by the name of the queue.
   *
   * @default - none
   */
  readonly startFromByQueue?: Readonly<Record<string, StartPoint>>;

  /**
   * Number of stream entries that are published before the position is saved, 1 to 10,000. After an interrupted run,
   * up to twice as many events may come again.
   *
   * @default 1000
   */
  readonly sweepSize?: number;

  /**
   * The bucket for events that are too large for EventBridge: their largest fields are stored there, and their detail
   * has a claim check.
   *
   * @default - a bucket of its own, see {@link Bullbridge.payloadBucket}
   */
  readonly payloadBucket?: IBucket;

  /**
   * How long a bucket of its own keeps the fields of events, in whole days.
   *
   * @default Duration.days(30)
   */
  readonly payloadRetention?: Duration;

  /**
   * The key that encrypts the logs, and the bus, the table, the dead-letter queue and the payload bucket that this
   * construct creates.
   *
   * The policy of the key must let CloudWatch Logs and EventBridge use it. For an imported key, write that yourself:
   * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
   * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-key-policy.html
   * Events that EventBridge cannot encrypt are kept in a queue, see {@link Bullbridge.busDeadLetterQueue}.
   *
   * @default - keys that AWS owns or manages
   */
  readonly encryptionKey?: IKey;

  /**
   * The table of positions, leases and gaps, such as the table of a stack that was deleted, renamed or restored. It
   * must have the string keys `pk` and `sk`, and `ttl` as its time to live.
   *
   * Several deployments can share a table if each has its own {@link sourceName} or prefix.
   *
   * @default - a table of its own, see {@link Bullbridge.table}
   */
  readonly checkpointTable?: ITable;

  /**
   * The dead-letter queue, for events that the bus refuses: a standard queue that keeps messages for 14 days.
   *
   * @default - a queue of its own, see {@link Bullbridge.deadLetterQueue}
   */
  readonly deadLetterQueue?: IQueue;

  /**
   * Whether the table, the dead-letter queue and the payload bucket stay when the stack is deleted.
   *
   * The table is also protected from deletion unless this is `DESTROY`.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}
