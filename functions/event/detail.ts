import type { BullmqEventName, CATALOGUE, FieldType } from './catalogue.ts';

/** The fields that every detail can have, whatever the event. */
export interface EventEnvelope {
  /** Changes only with a breaking change. */
  readonly version: '1';
  /**
   * The same on every redelivery: `<sourceName>/<prefix>:<queue>/<streamId>`, or for a recovered event
   * `<sourceName>/<prefix>:<queue>/<jobId>/<event>/<finishedOn>`.
   */
  readonly id: string;
  readonly sourceName: string;
  readonly prefix: string;
  readonly queue: string;
  /** Absent for a recovered event, because its stream entry is gone. */
  readonly streamId?: string;
  /**
   * The number of entries of the stream up to this one; absent if the server does not count, and for a recovered event.
   */
  readonly sequence?: number;
  /**
   * Milliseconds since the epoch, by the clock of the Redis server; for a recovered event, by the clock of the worker.
   */
  readonly timestamp: number;
  /** The stream entry was lost, and the event was recovered from the state of its job. */
  readonly recovered?: true;
  /** A recovered event that may also have been forwarded from the stream, with the id of its stream entry. */
  readonly possibleDuplicate?: true;
  readonly jobId?: string;
  /** Custom fields: BullMQ itself does not write them to this event. */
  readonly fields?: Readonly<Record<string, string>>;
  /** All values of each field name that the entry has more than once. */
  readonly repeated?: Readonly<Record<string, readonly string[]>>;
  /** Names of fields that are forwarded as text, because they could not be parsed. */
  readonly unparsed?: readonly string[];
  /** The configured fields of the job when the event was forwarded; `null` if the job no longer existed. */
  readonly job?: JobDetail | null;
  /** The configured paths of fields that were left out because they must not leave Redis. */
  readonly omitted?: readonly string[];
  /** Fields that were cut to make the event fit into EventBridge, with their original UTF-8 bytes. */
  readonly truncated?: readonly { readonly field: string; readonly bytes: number }[];
  /** The claim check for fields that were too large for EventBridge. */
  readonly claimCheck?: ClaimCheck;
}

/** The configured fields of a job, as far as the job has them. Times are milliseconds since the epoch. */
export interface JobDetail {
  readonly name?: string;
  /** Number of attempts that ended. */
  readonly attemptsMade?: number;
  /** Number of attempts that began; BullMQ 4 does not count them. */
  readonly attemptsStarted?: number;
  /** When the job was added. */
  readonly timestamp?: number;
  /** When the last attempt began. */
  readonly processedOn?: number;
  readonly finishedOn?: number;
  /** Milliseconds. */
  readonly delay?: number;
  readonly priority?: number;
  /** The parent job, which waits for this job. */
  readonly parent?: { readonly id?: string; readonly queueKey?: string };
  readonly opts?: { readonly [name: string]: JsonValue };
  readonly data?: JsonValue;
  /** Configured fields that the job has, but that are too large, nested too deep or cannot be read. */
  readonly omitted?: readonly string[];
}

/** The S3 object with the fields of an event that were too large for EventBridge. */
export interface ClaimCheck {
  readonly bucket: string;
  /** The id of the event. */
  readonly key: string;
  /** The names of the fields, `fields.x` for a custom field. The object is JSON with these names and their values. */
  readonly fields: readonly string[];
  /** UTF-8 bytes of the object. */
  readonly bytes: number;
}

/** Any value of JSON. */
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
