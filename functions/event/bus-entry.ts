import { type Field, membersOf } from './field.ts';

/**
 * The most bytes of all entries of a request, by the size rule of EventBridge.
 *
 * The limit is "less than 1 MB" for the request as a whole; AWS's own Kafka connector stays below 1,048,576. This value
 * is lower, because the event is always larger than its entry. A request that is refused as too large is split and sent
 * again. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size
 */
export const MAX_REQUEST_BYTES = 1_000_000;

/** A detail that may be too large for a request: a list of fields, not JSON yet. */
export interface Detail {
  /** A JSON object without its last brace, with the fields that identify the event. It is never cut. */
  readonly envelope: string;
  readonly id: string;
  readonly fields: readonly Field[];
}

interface EntryBase {
  readonly Source: string;
  readonly DetailType: string;
  readonly Time?: Date | undefined;
  /** The trace of the event, in the format of X-Ray. */
  readonly TraceHeader?: string | undefined;
}

/** An entry for PutEvents, without the name of the bus. */
export interface BusEntry extends EntryBase {
  /** A JSON object as text. */
  readonly Detail: string;
}

/** An entry that may have to be reduced before it can be sent. */
export interface LargeEntry extends EntryBase {
  readonly Detail: Detail;
}

export type AnyEntry = BusEntry | LargeEntry;

export function isLarge(entry: AnyEntry): entry is LargeEntry {
  return typeof entry.Detail !== 'string';
}

/** The entry with its detail as text, whatever its size. */
export function toText({ Source, DetailType, Time, TraceHeader, Detail: { envelope, fields } }: LargeEntry): BusEntry {
  const pieces = membersOf(fields);
  pieces.unshift(pieces.length > 0 ? `${envelope},` : envelope);
  pieces.push('}');
  // Joined once: by `+`, the text would stay a tree of its pieces, which takes more memory.
  return { Source, DetailType, Time, TraceHeader, Detail: pieces.join('') };
}

/**
 * Frees the bytes of a large entry, which is empty afterwards.
 *
 * Call it once the entry is settled. V8 collects unused buffers only after 64 MB of them, so many large events in a row
 * would need 10 MB more (measured).
 */
export function freeBytes(entry: AnyEntry): void {
  if (!isLarge(entry)) return;
  for (const { bytes } of entry.Detail.fields) {
    if (bytes.length > MAX_REQUEST_BYTES && bytes.length === bytes.buffer.byteLength)
      (bytes.buffer as ArrayBuffer).transfer(0);
  }
}

/**
 * The size of an entry in bytes, as EventBridge counts it.
 *
 * A time counts 14 bytes, and texts count their UTF-8 length; the name of the bus does not count.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size
 */
export function entryBytes({ Source, DetailType, Time, Detail }: BusEntry): number {
  return (Time ? 14 : 0) + Buffer.byteLength(Source) + Buffer.byteLength(DetailType) + Buffer.byteLength(Detail);
}
