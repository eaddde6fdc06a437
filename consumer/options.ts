import type { EventDetail } from './details.ts';

/** Reads the fields of a claim check from the bucket; `createPayloadReader` of `bullbridge/payloads` creates one. */
export type ReadPayload = (detail: EventDetail) => Promise<EventDetail>;

const CHOICES = {
  order: ['job', 'queue', 'none'],
  recovered: ['deliver', 'certain', 'skip'],
} as const;

export interface QueueEventsOptions {
  /** BullMQ's key prefix of the queue; an event with another prefix is refused. @default any */
  readonly prefix?: string;
  /** `BULLBRIDGE_SOURCE_NAME` of the forwarder; an event with another source name is refused. @default any */
  readonly sourceName?: string;
  /**
   * The events of a call that are handled one after the other: the events of a job, of a queue, or none. With a FIFO
   * queue, it is the messages of a group instead, unless `order` is `none`.
   *
   * @default 'job'
   */
  readonly order?: (typeof CHOICES.order)[number];
  /** The most events of a call that are handled at the same time. @default 10 */
  readonly concurrency?: number;
  /**
   * The recovered events that are delivered: all (`deliver`), only events without `possibleDuplicate` (`certain`), or
   * none (`skip`). A recovered event was lost in the stream and recovered from the state of its job.
   *
   * @default 'deliver'
   */
  readonly recovered?: (typeof CHOICES.recovered)[number];
  /**
   * Reads fields that were too large for EventBridge.
   *
   * @default - an event with a claim check fails if it has a listener
   */
  readonly readPayload?: ReadPayload;

  /** An option of BullMQ that is ignored: nothing is read from Redis. */
  readonly connection?: unknown;
  /** An option of BullMQ that is ignored: the forwarder keeps the position. */
  readonly lastEventId?: string;
  /** An option of BullMQ that is ignored: events come when `handler` is called. */
  readonly autorun?: boolean;
  /** An option of BullMQ that is ignored. */
  readonly blockingTimeout?: number;
  /** An option of BullMQ that is ignored. */
  readonly skipVersionCheck?: boolean;
  /** An option of BullMQ that is ignored. */
  readonly skipWaitingForReady?: boolean;
}

/** @throws {TypeError} for a value that is not allowed */
export function checkOptions(queue: string, options: QueueEventsOptions): void {
  const { concurrency = 1 } = options;
  if (!queue) refuse('queue', queue, 'the name of a queue, or "*" for all');
  if (!(concurrency >= 1)) refuse('concurrency', concurrency, 'a number of 1 or more');
  for (const [name, allowed] of Object.entries(CHOICES)) {
    const given: string = options[name as keyof typeof CHOICES] ?? allowed[0];
    if (!(allowed as readonly string[]).includes(given)) refuse(name, given, allowed.join(', '));
  }
}

function refuse(option: string, given: unknown, allowed: string): never {
  throw new TypeError(`${option} of QueueEvents is ${JSON.stringify(given)}; it must be ${allowed}`);
}
