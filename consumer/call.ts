import type { EventDetail } from './details.ts';

/** Fields that are numbers on the bus, and texts in BullMQ. */
const TEXTS = ['cleaned count', 'retries-exhausted attemptsMade'];

/** A call of a listener by BullMQ's `QueueEvents`. */
export interface Call {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** The parameters of a listener: the fields and the id, or only the id. */
  readonly parameters: readonly unknown[];
}

/**
 * The call of a listener for an event: the fields, including custom fields, in one object, and the id of the stream
 * entry.
 *
 * A recovered event has no stream entry, so the id is its `detail.id`. An entry without an event has the name ''.
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
