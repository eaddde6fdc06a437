import type { EventEmitter } from 'node:events';

/**
 * The listeners of BullMQ 6, by the names of their events; BullMQ 4 and 5 emit the same events.
 *
 * Source: `QueueEventsListener` of BullMQ 6.7.0; a test compares the two.
 */
// biome-ignore lint/suspicious/noExplicitAny: as in BullMQ
export interface QueueEventsListener<ReturnType = any> {
  /** A worker took a job. */
  active: (args: { jobId: string; prev?: string }, id: string) => void;
  /** A job was added. */
  added: (args: { jobId: string; name: string }, id: string) => void;
  /** Jobs were cleaned from a queue; `count` is a number as text. */
  cleaned: (args: { count: string }, id: string) => void;
  /** A job completed. */
  completed: (args: { jobId: string; returnvalue: ReturnType; prev?: string }, id: string) => void;
  /** A job was not added, or was replaced, because another job has the same deduplication id. */
  deduplicated: (args: { jobId: string; deduplicationId: string; deduplicatedJobId: string }, id: string) => void;
  /** A job waits until `delay`, in milliseconds since the epoch. */
  delayed: (args: { jobId: string; delay: number }, id: string) => void;
  /** No job waits in a queue, except delayed jobs. */
  drained: (id: string) => void;
  /** A job was added with the id of an existing job. */
  duplicated: (args: { jobId: string }, id: string) => void;
  /** A message of a batch was not handled: a `DeliveryError`, or an `InvalidEventError`. */
  error: (args: Error) => void;
  /** A job failed for good. */
  failed: (args: { jobId: string; failedReason: string; prev?: string }, id: string) => void;
  /** A queue was paused. */
  paused: (args: object, id: string) => void;
  /** A worker reported progress. */
  progress: (args: { jobId: string; data: string | boolean | number | object }, id: string) => void;
  /** A job was removed by hand. */
  removed: (args: { jobId: string; prev: string }, id: string) => void;
  /** A queue was resumed. */
  resumed: (args: object, id: string) => void;
  /** Follows `failed` when all attempts were made; `attemptsMade` is a number as text. */
  'retries-exhausted': (args: { jobId: string; attemptsMade: string }, id: string) => void;
  /** A worker stopped without finishing a job. */
  stalled: (args: { jobId: string }, id: string) => void;
  /** A job waits for a worker. */
  waiting: (args: { jobId: string; prev?: string }, id: string) => void;
  /** A parent job waits for its children. */
  'waiting-children': (args: { jobId: string }, id: string) => void;
  /** Is never emitted, because there is no connection. */
  'ioredis:close': () => void;
}

type Arguments<Listener> = Listener extends (...args: infer Args) => void ? Args : never;
type NameOf<Listeners extends object> = Extract<keyof Listeners, string>;

/**
 * The methods of an `EventEmitter` with the listeners of `QueueEvents`; an interface that extends theirs adds custom
 * events.
 */
export interface ListenerMethods<R> extends Omit<EventEmitter, 'on' | 'once' | 'off' | 'emit'> {
  on<L extends QueueEventsListener<R> = QueueEventsListener<R>, N extends NameOf<L> = NameOf<L>>(
    event: N,
    listener: L[N],
  ): this;
  /** As `on`, until the listener has succeeded once. */
  once<L extends QueueEventsListener<R> = QueueEventsListener<R>, N extends NameOf<L> = NameOf<L>>(
    event: N,
    listener: L[N],
  ): this;
  off<L extends QueueEventsListener<R> = QueueEventsListener<R>, N extends NameOf<L> = NameOf<L>>(
    event: N,
    listener: L[N],
  ): this;
  emit<L extends QueueEventsListener<R> = QueueEventsListener<R>, N extends NameOf<L> = NameOf<L>>(
    event: N,
    ...args: Arguments<L[N]>
  ): boolean;
}
