import { type Field, membersOf } from './field.ts';

/**
 * Bytes of all entries of a request, by EventBridge's own size rule.
 *
 * The limit is "less than 1 MB" for the request as a whole: AWS's own Kafka connector stays below 1,048,576. Some way
 * under it, since the event is always larger than its entry; a request that is refused as too large is split and sent
 * again. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size
 */
export const MAX_REQUEST_BYTES = 1_000_000;

/** A detail that may be too large for a request: a list of fields that is not JSON yet. */
export interface Detail {
  /** A JSON object without its last brace: what makes the event recognisable. It is never cut. */
  readonly envelope: string;
  readonly id: string;
  readonly fields: readonly Field[];
}

interface Entry {
  readonly Source: string;
  readonly DetailType: string;
  readonly Time?: Date;
  /** The trace that the event is a part of, as X-Ray writes it. */
  readonly TraceHeader?: string;
}

/** An entry for PutEvents, without the name of the bus. */
export interface BusEntry extends Entry {
  /** A JSON object as text. */
  readonly Detail: string;
}

/** An entry that may have to be made smaller before it can be sent. */
export interface LargeEntry extends Entry {
  readonly Detail: Detail;
}

export type AnyEntry = BusEntry | LargeEntry;

export function isLarge(entry: AnyEntry): entry is LargeEntry {
  return typeof entry.Detail !== 'string';
}

/** The entry with its detail as text, as large as it may be. */
export function toText({ Detail: { envelope, fields }, ...entry }: LargeEntry): BusEntry {
  const members = membersOf(fields);
  return { ...entry, Detail: `${envelope}${members && ','}${members}}` };
}

/**
 * Frees the bytes of a large entry, which are empty then.
 *
 * For whoever made an entry that is settled: V8 does not look for buffers that nobody has any more before it has 64 MB
 * of them, which takes 10 MB more where many large events come in a row (measured).
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
 * 14 bytes for a time, and the UTF-8 length of the texts; the name of the bus does not count.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size
 */
export function entryBytes({ Source, DetailType, Time, Detail }: BusEntry): number {
  return (Time ? 14 : 0) + Buffer.byteLength(Source) + Buffer.byteLength(DetailType) + Buffer.byteLength(Detail);
}
