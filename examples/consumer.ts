import { QueueEvents } from 'bullbridge/consumer';

/**
 * A Lambda function behind a rule: each call has one event.
 *
 * If a listener fails, the function fails, and Lambda calls it again, twice by default.
 */
const queueEvents = new QueueEvents('*');

queueEvents.onAny((event, { jobId, failedReason }, { detail: { id, queue } }) => {
  console.log(JSON.stringify({ message: `job ${event}`, id, queue, jobId, failedReason }));
});

export const { handler } = queueEvents;
