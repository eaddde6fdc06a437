import { NestFactory } from '@nestjs/core';
import { QueueEvents } from 'bullbridge/consumer';
import { expect, onTestFinished, test } from 'vitest';
import { anEvent } from '../../consumer/testing/index.ts';
import { JOB_EVENT_LISTENERS, type JobEventListener, jobEventsModule } from '../../examples/nest.ts';

test('the NestJS module passes the events of all queues to the listeners of the application', async () => {
  const heard: unknown[] = [];
  class Audit implements JobEventListener {
    async onJobEvent(...event: unknown[]) {
      heard.push(event);
    }
  }
  const listeners = { provide: JOB_EVENT_LISTENERS, useFactory: (audit: Audit) => [audit], inject: [Audit] };
  const app = await NestFactory.createApplicationContext(jobEventsModule({ providers: [Audit, listeners] }), {
    logger: false,
  });
  onTestFinished(() => app.close());
  const { handler } = app.get(QueueEvents);

  await handler([anEvent('completed', { jobId: '1', returnvalue: 5 }), anEvent('paused', { queue: 'payments' })]);

  expect(heard).toEqual([
    ['emails', 'completed', { jobId: '1', returnvalue: 5 }],
    ['payments', 'paused', {}],
  ]);
});
