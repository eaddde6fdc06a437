import type { EventDetail } from './details.ts';

/** Fields that are numbers on the bus, and texts in BullMQ. */
const TEXTS = ['cleaned count', 'retries-exhausted attemptsMade'];

/** How BullMQ's `QueueEvents` calls its listeners. */
export interface Call {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** The parameters of a listener: the fields and the id, or only the id. */
  readonly parameters: readonly unknown[];
}

/**
 * The call that `QueueEvents` of BullMQ makes for an event: fields flat, custom ones too, and the id of its entry in
 * the stream.
 *
 * A recovered event, whose entry is gone, has `detail.id` instead; an entry without an event has the name ''.
 */
export function callOf(detail: EventDetail): Call {
  const {
    version,
    id,
    sourceName,
    prefix,
    queue,
    event: name = '',
    streamId = id,
    sequence,
    timestamp,
    recovered,
    possibleDuplicate,
    fields,
    repeated,
    unparsed,
    job,
    omitted,
    truncated,
    claimCheck,
    ...own
  } = detail;
  const values = Object.entries(own).map(([field, value]) => [
    field,
    TEXTS.includes(`${name} ${field}`) ? String(value) : value,
  ]);
  const args = { ...Object.fromEntries(values), ...fields };
  return { name, args, parameters: name === 'drained' ? [streamId] : [args, streamId] };
}
