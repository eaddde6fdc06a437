import type { EventDetail } from './details.ts';

/** Gives the detail with the fields that it left in a bucket; `createPayloadReader` of `bullbridge/payloads` makes one. */
export type ReadPayload = (detail: EventDetail) => Promise<EventDetail>;

const CHOICES = {
  order: ['job', 'queue', 'none'],
  recovered: ['deliver', 'certain', 'skip'],
} as const;

export interface QueueEventsOptions {
  /** BullMQ's prefix of the queue's keys; an event with another one is refused. @default any */
  readonly prefix?: string;
  /** `BULLBRIDGE_SOURCE_NAME` of the forwarder; an event with another one is refused. @default any */
  readonly sourceName?: string;
  /**
   * Which events of one call wait for each other: those of a job, all of a queue, or none. Messages of a FIFO queue keep the order of
   * their group instead, unless it is `none`.
   *
   * @default 'job'
   */
  readonly order?: (typeof CHOICES.order)[number];
  /** How many events of one call are handled at once. @default 10 */
  readonly concurrency?: number;
  /**
   * What happens to events that were lost and recovered from the state of their job: all are delivered, or those without
   * `possibleDuplicate`, or none.
   *
   * @default 'deliver'
   */
  readonly recovered?: (typeof CHOICES.recovered)[number];
  /** Reads what was too large for EventBridge. @default an event with a claim check fails if it has a listener */
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
