import { QueueEvents } from 'bullbridge/consumer';

/**
 * A Lambda function that a rule calls, with one event each time.
 *
 * A listener that fails makes the function fail: Lambda then calls it again, twice by default.
 */
const queueEvents = new QueueEvents('*');

queueEvents.onAny((event, { jobId, failedReason }, { detail: { id, queue } }) => {
  console.log(JSON.stringify({ message: `job ${event}`, id, queue, jobId, failedReason }));
});

export const { handler } = queueEvents;
