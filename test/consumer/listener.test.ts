import type { EventBridgeHandler, SQSHandler } from 'aws-lambda';
import type * as bullmq from 'bullmq';
import { expect, expectTypeOf, test } from 'vitest';
import { type BullmqDetail, QueueEvents, type QueueEventsListener } from '../../consumer/index.ts';

interface Result {
  readonly sent: boolean;
}

type Theirs = bullmq.QueueEventsListener<Result>;
type Ours = QueueEventsListener<Result>;

const events = new QueueEvents<Result>('emails');

test('the listeners are the same as in BullMQ', () => {
  expectTypeOf<Ours>().toEqualTypeOf<Theirs>();
  expectTypeOf<QueueEventsListener>().toEqualTypeOf<bullmq.QueueEventsListener>();
});

test('each method accepts the same listeners as in BullMQ', () => {
  const methods = <Name extends keyof Theirs>(
    name: Name,
    listener: Theirs[Name],
    queueEvents: bullmq.QueueEvents<Result>,
  ) => {
    events.on(name, listener).once(name, listener).off(name, listener);
    queueEvents.on(name, listener as Ours[Name]);
  };
  // @ts-expect-error: BullMQ has no such event.
  events.on('complete', () => {});
  // @ts-expect-error: it is a text, as in BullMQ.
  events.on('cleaned', ({ count }: { count: number }) => count);
  // @ts-expect-error: it has no arguments but its id.
  events.on('drained', (_args: object, _id: string) => {});
  // @ts-expect-error: the returnvalue is of the type that was given.
  events.on('completed', ({ returnvalue }) => returnvalue.received);
  events.on('completed', async ({ returnvalue }) => void returnvalue.sent);
  // @ts-expect-error: the id is missing.
  expect(events.emit('failed', { jobId: '1', failedReason: 'declined' })).toBe(false);

  expect(methods).toBeTypeOf('function');
});

test('custom events are added by an interface, as in BullMQ', () => {
  interface Custom extends QueueEventsListener {
    invoice: (args: { amount: string }, id: string) => void;
  }

  events.on<Custom>('invoice', ({ amount }: { amount: string }) => void amount.length);
  // @ts-expect-error: the interface has no such event.
  events.on<Custom>('refund', () => {});

  expect(events.listenerCount('invoice')).toBe(1);
});

test('the handler has the types of Lambda, behind a rule and behind a queue', () => {
  expectTypeOf(events.handler).toExtend<EventBridgeHandler<'Job Failed', BullmqDetail<'failed'>, void>>();
  expectTypeOf(events.handler).toExtend<SQSHandler>();
});
