// What is measured against: a listener as BullMQ's documentation has it, which gives each event to EventBridge.
import { on } from 'node:events';
import type { PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { QueueEvents } from 'bullmq';
import { Redis } from 'ioredis';

const { REDIS_URL: url = '', BULLBRIDGE_PREFIX: prefix = '', BULLBRIDGE_QUEUES: queue = '' } = process.env;

type Completed = [event: { readonly jobId: string; readonly returnvalue: unknown; readonly prev?: string }, id: string];

/** The events of the queue, from its oldest on, as entries for the bus; it ends with the last that is there at its start. */
export async function* entries(): AsyncGenerator<PutEventsRequestEntry> {
  const redis = new Redis(url);
  let left = await redis.xlen(`${prefix}:${queue}:events`);
  redis.disconnect();
  if (left === 0) return;
  const connection = { url, maxRetriesPerRequest: null };
  const events = new QueueEvents(queue, { prefix, connection, lastEventId: '0-0' });
  for await (const [{ jobId, returnvalue, prev }, id] of on(events, 'completed') as AsyncIterable<Completed>) {
    const timestamp = Number(id.split('-')[0]);
    yield {
      EventBusName: 'bullbridge',
      Source: 'bullmq',
      DetailType: 'Job Completed',
      Time: new Date(timestamp),
      Detail: JSON.stringify({ id: `${queue}/${id}`, queue, event: 'completed', timestamp, jobId, returnvalue, prev }),
    };
    left -= 1;
    if (left === 0) break;
  }
  await events.close();
}
