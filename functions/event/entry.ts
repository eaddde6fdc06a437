/**
 * Bytes of all entries of a request, by EventBridge's own size rule.
 *
 * The limit is "less than 1 MB" for the request as a whole: AWS's own Kafka connector stays below 1,048,576. Some way under
 * it, since the event is always larger than its entry; a request that is refused as too large is split and sent again.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size
 */
export const MAX_REQUEST_BYTES = 1_000_000;

/** An entry for PutEvents, without the name of the bus. */
export interface BusEntry {
  readonly Source: string;
  readonly DetailType: string;
  readonly Time?: Date;
  /** The trace that the event is a part of, as X-Ray writes it. */
  readonly TraceHeader?: string;
  /** A JSON object as text. */
  readonly Detail: string;
  /** Fields of the detail that are too large to be in it; they must be stored elsewhere, or cut, before the entry is sent. */
  readonly large?: readonly LargeField[];
}

/** A field of a detail whose value alone is too large for the bus, as the bytes it came in: nothing else is made of them. */
export interface LargeField {
  /** Its path within the detail: `fields.x` for a custom field. */
  readonly path: string;
  /** UTF-8; bytes that are none stand for U+FFFD. */
  readonly value: Buffer;
  /** Whether the value is JSON, or else a text. */
  readonly isJson: boolean;
}

/**
 * Frees the bytes of an entry's large fields, which are empty then.
 *
 * For whoever made an entry that is settled: V8 does not look for buffers that nobody has any more before it has 64 MB of them,
 * which takes 10 MB more where many large events come in a row (measured).
 */
export function freeLarge({ large = [] }: BusEntry): void {
  for (const { value } of large)
    if (value.length === value.buffer.byteLength) (value.buffer as ArrayBuffer).transfer(0);
}

/** Whether an entry can be sent as it is, in a request of at most so many bytes. */
export function fits(entry: BusEntry, maxBytes: number): boolean {
  return !entry.large && entryBytes(entry) <= maxBytes;
}

/**
 * The size of an entry in bytes, as EventBridge counts it.
 *
 * 14 bytes for a time, and the UTF-8 length of the texts; the name of the bus does not count.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size
 */
export function entryBytes({ Source, DetailType, Time, Detail, large = [] }: BusEntry): number {
  const texts = Buffer.byteLength(Source) + Buffer.byteLength(DetailType) + Buffer.byteLength(Detail);
  return (Time ? 14 : 0) + texts + large.reduce((sum, { value }) => sum + value.length, 0);
}
