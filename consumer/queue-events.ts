import { EventEmitter } from 'node:events';
import type { EventBridgeEvent, SQSBatchResponse, SQSEvent } from './aws-events.ts';
import { callOf } from './call.ts';
import { type ConsumerInput, type Delivery, type EventDelivery, isSqsEvent, readBody } from './deliveries.ts';
import type { EventDetail, LossDetail } from './details.ts';
import { DeliveryError, InvalidEventError } from './errors.ts';
import { lanesOf, runLanes } from './lanes.ts';
import type { ListenerMethods } from './listener.ts';
import { checkOptions, type QueueEventsOptions } from './options.ts';

/** A listener of all events; `args` are the arguments of a listener of this event. */
export type AnyListener = (name: string, args: Readonly<Record<string, unknown>>, delivery: EventDelivery) => unknown;

/** A listener of `Events Lost`: stream entries were lost before they could be forwarded. */
export type LossListener = (loss: LossDetail) => unknown;

/** A handler of a Lambda function. After a failure it rejects, or it returns the SQS messages to deliver again. */
export interface ConsumerHandler {
  (input: SQSEvent): Promise<SQSBatchResponse>;
  (input: EventBridgeEvent | readonly EventBridgeEvent[]): Promise<void>;
}

/** A listener, or the wrapper of `once` around a listener. */
type Listener = ((...parameters: unknown[]) => unknown) & { readonly listener?: Listener };

/** The values that an event must have; `undefined` allows any. */
type QueueName = Readonly<Record<'queue' | 'prefix' | 'sourceName', string | undefined>>;

async function refusePayload({ claimCheck }: EventDetail): Promise<EventDetail> {
  throw new Error(`${claimCheck?.fields} is in the bucket ${claimCheck?.bucket}: give QueueEvents a readPayload.`);
}

const Emitter = EventEmitter as unknown as new <R>() => ListenerMethods<R>;
// Symbols, so that no custom event can have these names.
const ANY = Symbol();
const LOSS = Symbol();

/**
 * BullMQ's `QueueEvents` for events from EventBridge: the same listeners, called with the same arguments.
 *
 * It does not read Redis: events come when `handler` or `handleMessage` is called. It awaits the promises that
 * listeners return. If a listener fails, the event is not acknowledged, so it is delivered again to all of its
 * listeners.
 *
 * @typeParam R the type of `returnvalue`
 */
// biome-ignore lint/suspicious/noExplicitAny: as in BullMQ
export class QueueEvents<R = any> extends Emitter<R> {
  readonly #origin: QueueName;
  readonly #options: QueueEventsOptions;

  /**
   * @param queue the name of a queue, or `*` for the events of all queues
   * @throws {TypeError} for an option that is not allowed
   */
  constructor(queue: string, options: QueueEventsOptions = {}) {
    super();
    checkOptions(queue, options);
    const { prefix, sourceName } = options;
    this.#origin = { queue: queue === '*' ? undefined : queue, prefix, sourceName };
    this.#options = options;
  }

  /** The handler of a Lambda function behind a rule or an SQS queue; it is bound, so it can be exported alone. */
  readonly handler: ConsumerHandler = (async (input: ConsumerInput) => {
    const { order = 'job', concurrency = 10 } = this.#options;
    const { unhandled, errors } = await runLanes(lanesOf(input, order), concurrency, ({ read }) => this.#deliver(read));
    if (isSqsEvent(input)) {
      errors.forEach(this.#report, this);
      const messageIds = unhandled.flatMap((item) => item.messageIds);
      return { batchItemFailures: messageIds.map((itemIdentifier) => ({ itemIdentifier })) };
    }
    if (errors[0]) throw errors[1] ? new AggregateError(errors, 'Events were not handled.') : errors[0];
    return undefined;
  }) as ConsumerHandler;

  /**
   * Handles one message of SQS, or the text of an event from another source; it is bound, so it can be passed on alone.
   *
   * @returns the message, so that `sqs-consumer` deletes it
   * @throws {DeliveryError} if a listener fails
   * @throws {InvalidEventError} for a message that is not an event of this queue
   */
  readonly handleMessage = async <Message extends { readonly Body?: string | undefined }>(
    message: Message,
  ): Promise<Message> => {
    await this.#deliver(readBody(message.Body));
    return message;
  };

  /** Adds a listener of all events, including custom events. */
  onAny(listener: AnyListener): this {
    super.addListener(ANY, listener as Listener);
    return this;
  }

  /** Adds a listener of bullbridge's `Events Lost`; without a listener, a warning is printed. */
  onLoss(listener: LossListener): this {
    super.addListener(LOSS, listener as Listener);
    return this;
  }

  /** Resolves at once: there is no connection. */
  async waitUntilReady(): Promise<void> {}

  /** Resolves at once: events come when `handler` or `handleMessage` is called. */
  async run(): Promise<void> {}

  /** Resolves at once: there is no connection. */
  async close(): Promise<void> {}

  async #deliver(read: Delivery | Error): Promise<void> {
    if (read instanceof Error) throw read;
    const { id, queue, jobId } = read.detail as EventDetail;
    this.#refuseOthers(read.detail);
    try {
      if (read.source === 'bullmq') await this.#callListeners(read);
      else if (read.detailType === 'Events Lost') await this.#callLossListeners(read.detail);
    } catch (cause) {
      throw new DeliveryError(id, queue, jobId, cause);
    }
  }

  #refuseOthers(detail: Delivery['detail']): void {
    for (const [name, wanted] of Object.entries(this.#origin)) {
      const given = detail[name as keyof QueueName];
      if (wanted === undefined || wanted === given) continue;
      throw new InvalidEventError(
        `The event ${detail.id} has the ${name} "${given}", but this QueueEvents is for "${wanted}". Narrow the pattern of the rule.`,
      );
    }
  }

  async #callListeners(delivery: EventDelivery): Promise<void> {
    const { recovered = 'deliver', readPayload = refusePayload } = this.#options;
    const { event = '', jobId, recovered: isRecovered, possibleDuplicate, claimCheck } = delivery.detail;
    if (isRecovered && (recovered === 'skip' || (recovered === 'certain' && possibleDuplicate))) return;
    const names = jobId ? [event, `${event}:${jobId}`] : [event];
    if (![...names, ANY].some((name) => this.listenerCount(name))) return;
    const detail = claimCheck ? await readPayload(delivery.detail) : delivery.detail;
    const { name, args, parameters } = callOf(detail);
    await this.#callAll(...names.map((each) => [each, parameters] as const), [
      ANY,
      [name, args, { ...delivery, detail }],
    ]);
  }

  async #callLossListeners(loss: LossDetail): Promise<void> {
    await this.#callAll([LOSS, [loss]]);
    if (!this.listenerCount(LOSS)) process.emitWarning(`Events are lost: ${loss.id}. Listen with onLoss.`);
  }

  /** Calls all listeners, as `emit` does, and waits for all of them. */
  async #callAll(...calls: (readonly [event: string | symbol, parameters: readonly unknown[]])[]): Promise<void> {
    const promises = calls.flatMap(([event, parameters]) =>
      (this.rawListeners(event) as Listener[]).map(async (listener) => {
        try {
          await listener.call(this, ...parameters);
        } catch (error) {
          // `once` has removed its listener, but the event is delivered again.
          if (listener.listener) super.prependOnceListener(event, listener.listener);
          throw error;
        }
      }),
    );
    await Promise.allSettled(promises);
    await Promise.all(promises);
  }

  #report(error: Error): void {
    if (this.listenerCount('error') > 0) super.emit('error', error);
    else console.error(error);
  }
}
