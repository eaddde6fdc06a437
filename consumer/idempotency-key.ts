import type { EventEnvelope } from '../functions/event/detail.ts';

/**
 * The key under which a consumer remembers that it has handled an event.
 *
 * With `jobFields: ['finishedOn']`, `completed` and `failed` have the same key from the stream and recovered, which
 * decides `possibleDuplicate`. An entry that is older than its `finishedOn` keeps `detail.id`: the job has ended again
 * since, and `finishedOn` belongs to the later end.
 *
 * @returns `<sourceName>/<prefix>:<queue>/<jobId>/<event>/<finishedOn>`, or `detail.id`
 */
export function idempotencyKey(detail: EventEnvelope & { readonly event?: string }): string {
  const { id, event = '', jobId, job, timestamp } = detail;
  const finishedOn = job?.finishedOn;
  if (!['completed', 'failed'].includes(event) || finishedOn === undefined || finishedOn > timestamp) return id;
  return `${queueOf(detail)}/${jobId}/${event}/${finishedOn}`;
}

/** The beginning of the ids of a queue's events. */
export function queueOf({ sourceName, prefix, queue }: Pick<EventEnvelope, 'sourceName' | 'prefix' | 'queue'>): string {
  return `${sourceName}/${prefix}:${queue}`;
}
