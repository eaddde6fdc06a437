/** An entry for PutEvents, without the name of the bus. */
export interface BusEntry {
  readonly Source: string;
  readonly DetailType: string;
  readonly Time?: Date;
  /** A JSON object as text. */
  readonly Detail: string;
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
