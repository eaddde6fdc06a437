/** An entry of a PutEvents request as it comes over the wire. */
export interface WireEntry {
  readonly Source?: string;
  readonly DetailType?: string;
  readonly Detail?: string;
  /** Seconds since the epoch. */
  readonly Time?: number;
  readonly Resources?: readonly string[];
  readonly EventBusName?: string;
}

/** A fault of the request as a whole. */
export interface RequestFault {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** A fault of one entry. */
export interface EntryFault {
  readonly ErrorCode: string;
  readonly ErrorMessage: string;
}

const MAX_ENTRIES = 10;
/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html */
const MAX_BYTES = 1024 * 1024;

/** Refuses a request as a whole, as EventBridge does: its number of entries, their size together, and that none has what each needs. */
export function refuseRequest(entries: readonly WireEntry[] | undefined): RequestFault | undefined {
  const invalid = (message: string) => ({ status: 400, code: 'ValidationException', message });
  if (!entries || entries.length < 1 || entries.length > MAX_ENTRIES) {
    return invalid(
      `1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length between 1 and ${MAX_ENTRIES}`,
    );
  }
  if (entries.reduce((sum, entry) => sum + sizeOf(entry), 0) >= MAX_BYTES) {
    return {
      status: 413,
      code: 'RequestEntityTooLarge',
      message: 'Total size of the entries in the request is over the limit.',
    };
  }
  return undefined;
}

/** Refuses one entry, as EventBridge does. https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html */
export function refuseEntry({ Source, DetailType, Detail }: WireEntry): EntryFault | undefined {
  const missing = (name: string) => ({
    ErrorCode: 'InvalidArgument',
    ErrorMessage: `Parameter ${name} is not valid. Reason: ${name} is a required argument.`,
  });
  if (!Source) return missing('Source');
  if (!DetailType) return missing('DetailType');
  if (!Detail) return missing('Detail');
  return isObject(Detail) ? undefined : { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
}

function isObject(json: string): boolean {
  try {
    const value = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function sizeOf({ Source = '', DetailType = '', Detail = '', Time, Resources = [] }: WireEntry): number {
  const texts = [Source, DetailType, Detail, ...Resources];
  return (Time === undefined ? 0 : 14) + texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}
