/**
 * Every event that BullMQ 4, 5 and 6 write to a queue's stream, with its detail-type and its fields.
 *
 * The types, the decoding, the warnings of the filter and the tables of the documentation come from this table.
 * Sources: the Lua scripts and TypeScript of BullMQ 4.18.3, 5.81.5 and 6.7.0, and dumps of the entries that each of
 * them wrote. A `text` stays as it is, a `number` becomes a number, and `json` is parsed: only `returnvalue` and `data`
 * are JSON; `failedReason` is raw text. Every event except those of a whole queue also has a `jobId`.
 */
export const CATALOGUE = {
  added: {
    detailType: 'Job Added',
    fields: { name: 'text' },
    about: 'A job was added. This is the only event with the name of the job.',
  },
  waiting: {
    detailType: 'Job Waiting',
    fields: { prev: 'text' },
    about: 'A job waits for a worker, for the first time or again.',
  },
  delayed: {
    detailType: 'Job Delayed',
    fields: { delay: 'number' },
    about: 'A job waits until `delay`, in milliseconds since the epoch.',
  },
  active: { detailType: 'Job Active', fields: { prev: 'text' }, about: 'A worker took a job.' },
  progress: { detailType: 'Job Progress', fields: { data: 'json' }, about: 'A worker reported progress.' },
  completed: { detailType: 'Job Completed', fields: { returnvalue: 'json', prev: 'text' }, about: 'A job completed.' },
  failed: {
    detailType: 'Job Failed',
    fields: { failedReason: 'text', prev: 'text' },
    about: 'A job failed for good: it has no attempts left.',
  },
  'retries-exhausted': {
    detailType: 'Job Retries Exhausted',
    fields: { attemptsMade: 'number' },
    about: 'Follows `failed` when all attempts were made.',
  },
  stalled: { detailType: 'Job Stalled', fields: {}, about: 'A worker stopped without finishing a job.' },
  'waiting-children': {
    detailType: 'Job Waiting Children',
    fields: { prev: 'text' },
    about: 'A parent job waits for its children.',
  },
  removed: {
    detailType: 'Job Removed',
    fields: { prev: 'text' },
    about: 'A job was removed by hand, not by drain, clean, obliterate or `removeOnComplete`.',
  },
  duplicated: { detailType: 'Job Duplicated', fields: {}, about: 'A job was added with the id of an existing one.' },
  deduplicated: {
    detailType: 'Job Deduplicated',
    fields: { deduplicationId: 'text', deduplicatedJobId: 'text' },
    about: 'A job was ignored or replaced; `jobId` is the job that stays. BullMQ 5.17 and later.',
  },
  debounced: {
    detailType: 'Job Debounced',
    fields: { debounceId: 'text' },
    about: 'The older name of `deduplicated`. BullMQ 5 only.',
  },
  cleaned: { detailType: 'Queue Cleaned', fields: { count: 'number' }, about: 'Jobs were cleaned from a queue.' },
  drained: { detailType: 'Queue Drained', fields: {}, about: 'No job waits in a queue, except delayed jobs.' },
  paused: { detailType: 'Queue Paused', fields: {}, about: 'A queue was paused.' },
  resumed: { detailType: 'Queue Resumed', fields: {}, about: 'A queue was resumed.' },
} as const satisfies Record<string, EventKind>;

/** The type of a field. */
export type FieldType = 'text' | 'number' | 'json';

export interface EventKind {
  readonly detailType: string;
  readonly fields: Readonly<Record<string, FieldType>>;
  readonly about: string;
}

export type BullmqEventName = keyof typeof CATALOGUE;

/** Events that have no job. */
export const QUEUE_EVENTS: ReadonlySet<string> = new Set(['cleaned', 'drained', 'paused', 'resumed']);

/** The kind of a BullMQ event; `undefined` for a custom event. */
export function kindOf(event: string): EventKind | undefined {
  return Object.hasOwn(CATALOGUE, event) ? CATALOGUE[event as BullmqEventName] : undefined;
}

/** EventBridge's limit for a detail-type, in characters. */
const MAX_DETAIL_TYPE = 128;

/** The `detail-type` of an event; for a custom event, it is its name, which is cut if it is too long. */
export function detailTypeOf(event: string): string {
  // Without an incomplete surrogate pair at the end.
  const name =
    event.length <= MAX_DETAIL_TYPE ? event : event.slice(0, MAX_DETAIL_TYPE).replace(/[\ud800-\udbff]$/, '');
  return kindOf(event)?.detailType ?? name;
}

/**
 * The name that EventBridge gives to the schema of an event which it discovers.
 *
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-schema.html
 */
export function schemaNameOf(source: string, detailType: string): string {
  return `${source}@${detailType.replaceAll(' ', '')}`;
}
