import type { EventDetail } from './details.ts';

/** Reads the fields that a detail left in a bucket, as `createPayloadReader` of `bullbridge/payloads` does. */
export type ReadPayload = (detail: EventDetail) => Promise<EventDetail>;

const CHOICES = {
  order: ['job', 'queue', 'none'],
  recovered: ['deliver', 'certain', 'skip'],
} as const;

export interface QueueEventsOptions {
  /** BullMQ's prefix of the queue's keys; an event with another prefix is refused. @default any */
  readonly prefix?: string;
  /** `BULLBRIDGE_SOURCE_NAME` of the forwarder; an event with another source name is refused. @default any */
  readonly sourceName?: string;
  /**
   * Which events of a call are handled one after the other: the events of a job, of a queue, or none. Messages of a
   * FIFO queue keep the order of their group instead, unless `order` is `none`.
   *
   * @default 'job'
   */
  readonly order?: (typeof CHOICES.order)[number];
  /** How many events of a call are handled at once. @default 10 */
  readonly concurrency?: number;
  /**
   * Which recovered events are delivered: all (`deliver`), only events without `possibleDuplicate` (`certain`), or none
   * (`skip`). A recovered event was lost in the stream, and made again from the state of its job.
   *
   * @default 'deliver'
   */
  readonly recovered?: (typeof CHOICES.recovered)[number];
  /** Reads fields that were too large for EventBridge. @default - an event with a claim check fails if it has a listener */
  readonly readPayload?: ReadPayload;

  /** Of BullMQ, and not used: nothing is read from Redis. */
  readonly connection?: unknown;
  /** Of BullMQ, and not used: the forwarder keeps the position. */
  readonly lastEventId?: string;
  /** Of BullMQ, and not used: events come when `handler` is called. */
  readonly autorun?: boolean;
  /** Of BullMQ, and not used. */
  readonly blockingTimeout?: number;
  /** Of BullMQ, and not used. */
  readonly skipVersionCheck?: boolean;
  /** Of BullMQ, and not used. */
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
