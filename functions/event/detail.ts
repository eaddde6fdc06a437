import type { BullmqEventName, CATALOGUE, FieldType } from './catalogue.ts';

/** What every detail has, whatever the event. */
export interface EventEnvelope {
  /** Changes only with a breaking change. */
  readonly version: '1';
  /**
   * The same on every redelivery: `<sourceName>/<prefix>:<queue>/<streamId>`, of a recovered event
   * `<sourceName>/<prefix>:<queue>/<jobId>/<event>/<finishedOn>`.
   */
  readonly id: string;
  readonly sourceName: string;
  readonly prefix: string;
  readonly queue: string;
  /** Absent of a recovered event, whose entry is gone. */
  readonly streamId?: string;
  /** How many entries the queue's stream had received up to this one; absent where the server cannot tell, and of a recovered event. */
  readonly sequence?: number;
  /** Milliseconds since the epoch, by the clock of the Redis server; of a recovered event by the clock of the worker. */
  readonly timestamp: number;
  /** Its entry was lost; the event is told from the state of its job. */
  readonly recovered?: true;
  /** A recovered event that may have been forwarded from the stream, too, under the id that it has there. */
  readonly possibleDuplicate?: true;
  readonly jobId?: string;
  /** Fields that BullMQ does not write to this event. */
  readonly fields?: Readonly<Record<string, string>>;
  /** All values of a field name that the entry has more than once. */
  readonly repeated?: Readonly<Record<string, readonly string[]>>;
  /** Fields that were passed on as text because they could not be read as what they should be. */
  readonly unparsed?: readonly string[];
  /** What was asked for of the job, as it was when the event was forwarded; `null` where it no longer existed. */
  readonly job?: JobDetail | null;
  /** What was left out because it must not leave Redis: paths as they were configured. */
  readonly omitted?: readonly string[];
  /** Fields that were cut to make the event fit into EventBridge, with the UTF-8 bytes they had. */
  readonly truncated?: readonly { readonly field: string; readonly bytes: number }[];
  /** Where the fields are that were too large for EventBridge: an S3 object, JSON with their names and values. */
  readonly claimCheck?: ClaimCheck;
}

/** What an event tells of its job: only what was asked for, and of that only what the job has. Times are milliseconds since the epoch. */
export interface JobDetail {
  readonly name?: string;
  /** Attempts that ended. */
  readonly attemptsMade?: number;
  /** Attempts that began; BullMQ 4 does not count them. */
  readonly attemptsStarted?: number;
  /** When it was added. */
  readonly timestamp?: number;
  /** When its last attempt began. */
  readonly processedOn?: number;
  readonly finishedOn?: number;
  /** In milliseconds. */
  readonly delay?: number;
  readonly priority?: number;
  /** The job that waits for it. */
  readonly parent?: { readonly id?: string; readonly queueKey?: string };
  readonly opts?: { readonly [name: string]: JsonValue };
  readonly data?: JsonValue;
  /** What was asked for and the job has, but is too large, is nested too deep or cannot be read. */
  readonly omitted?: readonly string[];
}

/** Where the fields are that an event left in the bucket. */
export interface ClaimCheck {
  readonly bucket: string;
  /** The event's id. */
  readonly key: string;
  /** Their names: `fields.x` for a custom field. The object is JSON, with these names and their values. */
  readonly fields: readonly string[];
  /** UTF-8 bytes of the object. */
  readonly bytes: number;
}

/** What JSON can say. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [name: string]: JsonValue };

type FieldValue<T extends FieldType> = T extends 'number' ? number | string : T extends 'json' ? JsonValue : string;

/** The detail of one of BullMQ's own events. */
export type BullmqDetail<E extends BullmqEventName = BullmqEventName> = {
  [Name in E]: EventEnvelope & { readonly event: Name } & {
    readonly [Field in keyof (typeof CATALOGUE)[Name]['fields']]?: FieldValue<
      Extract<(typeof CATALOGUE)[Name]['fields'][Field], FieldType>
    >;
  };
}[E];

/** The `detail-type` of each of BullMQ's events. */
export type BullmqDetailType<E extends BullmqEventName = BullmqEventName> = (typeof CATALOGUE)[E]['detailType'];
