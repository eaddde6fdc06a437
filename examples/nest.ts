import type { DynamicModule } from '@nestjs/common';
import { QueueEvents } from 'bullbridge/consumer';

/** A listener of the events of jobs; any provider of the module can be one. */
export interface JobEventListener {
  onJobEvent(queue: string, event: string, args: Readonly<Record<string, unknown>>): Promise<void> | void;
}

/** The token under which an application provides its listeners. */
export const JOB_EVENT_LISTENERS = Symbol('JobEventListener[]');

class JobEventsModule {}

/**
 * A NestJS module that passes the events of all queues to the listeners of the application, instead of one
 * `@QueueEventsListener` for each queue.
 *
 * It provides `QueueEvents`: call `app.get(QueueEvents).handler` in a Lambda function, or `handleMessage` in a service.
 *
 * @param application the providers and imports; they must provide `JOB_EVENT_LISTENERS`
 */
export function jobEventsModule({ providers = [], ...application }: Omit<DynamicModule, 'module'>): DynamicModule {
  const queueEvents = { provide: QueueEvents, useFactory: createQueueEvents, inject: [JOB_EVENT_LISTENERS] };
  return { ...application, module: JobEventsModule, providers: [...providers, queueEvents], exports: [QueueEvents] };
}

function createQueueEvents(listeners: readonly JobEventListener[]): QueueEvents {
  return new QueueEvents('*').onAny(async (event, args, { detail }) => {
    await Promise.all(listeners.map((listener) => listener.onJobEvent(detail.queue, event, args)));
  });
}
