import { QueueEvents } from 'bullbridge/consumer';

/** A consumer's function behind a queue, with the package as npm installs it. */
const queueEvents = new QueueEvents('*');

queueEvents.onAny((event, { jobId, returnvalue, failedReason }, { detail: { queue } }) => {
  console.log(JSON.stringify({ message: 'heard', queue, event, jobId, result: returnvalue ?? failedReason }));
});

export const { handler } = queueEvents;
