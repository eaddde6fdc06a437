import type { EventEnvelope } from '../functions/event/detail.ts';

/**
 * What to remember of an event, so that its work is done once: `detail.id`, or the end of a job.
 *
 * With `jobFields: ['finishedOn']`, `completed` and `failed` have the key that the same event has when it is recovered, so that one
 * with `possibleDuplicate` is new or not, without a doubt. An entry that is older than `finishedOn` keeps `detail.id`: its job has
 * ended again since, and the time is that of the later end.
 *
 * @returns `<sourceName>/<prefix>:<queue>/<jobId>/<event>/<finishedOn>`, or `detail.id`
 */
export function idempotencyKey(detail: EventEnvelope & { readonly event?: string }): string {
  const { id, event = '', jobId, job, timestamp } = detail;
  const finishedOn = job?.finishedOn;
  if (!['completed', 'failed'].includes(event) || finishedOn === undefined || finishedOn > timestamp) return id;
  return `${queueOf(detail)}/${jobId}/${event}/${finishedOn}`;
}

/** What the ids of a queue's events begin with. */
export function queueOf({ sourceName, prefix, queue }: Pick<EventEnvelope, 'sourceName' | 'prefix' | 'queue'>): string {
  return `${sourceName}/${prefix}:${queue}`;
}
