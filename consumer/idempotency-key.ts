import type { EventEnvelope } from '../functions/event/detail.ts';

/**
 * The key under which a consumer stores that it has handled an event.
 *
 * With `jobFields: ['finishedOn']`, `completed` and `failed` have the same key whether they come from the stream or are
 * recovered, so a possible duplicate is recognised. If an event is older than its `finishedOn`, the job has ended again
 * meanwhile and `finishedOn` belongs to the later end; the key is then `detail.id`.
 *
 * @returns `<sourceName>/<prefix>:<queue>/<jobId>/<event>/<finishedOn>`, or `detail.id`
 */
export function idempotencyKey(detail: EventEnvelope & { readonly event?: string }): string {
  const { id, event = '', jobId, job, timestamp } = detail;
  const finishedOn = job?.finishedOn;
  if (!['completed', 'failed'].includes(event) || finishedOn === undefined || finishedOn > timestamp) return id;
  return `${queueOf(detail)}/${jobId}/${event}/${finishedOn}`;
}

/** The beginning of the ids of the events of a queue. */
export function queueOf({ sourceName, prefix, queue }: Pick<EventEnvelope, 'sourceName' | 'prefix' | 'queue'>): string {
  return `${sourceName}/${prefix}:${queue}`;
}
