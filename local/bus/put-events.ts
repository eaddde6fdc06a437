import { type Answer, failure } from './answer.ts';

/** An entry of a PutEvents request in its wire format. */
export interface WireEntry {
  readonly Source?: string;
  readonly DetailType?: string;
  readonly Detail?: string;
  /** Seconds since the epoch. */
  readonly Time?: number;
  readonly Resources?: readonly string[];
  readonly EventBusName?: string;
  /** Only for X-Ray: it is not in the event, and does not count for the size. */
  readonly TraceHeader?: string;
}

/** The result of an entry that is not accepted. */
export interface EntryFault {
  readonly ErrorCode: string;
  readonly ErrorMessage: string;
}

/** The JSON object that an entry carries. */
export type EventDetail = Record<string, unknown>;

const MAX_ENTRIES = 10;
const MAX_BYTES = 1024 * 1024;
const MAX_DEPTH = 1000;
/** A detail-type is a "free-form string, with a maximum of 128 characters". */
const MAX_DETAIL_TYPE = 128;

/**
 * Refuses a whole request like EventBridge: for the number of its entries, or for their total size.
 *
 * The size must be *less* than 1 MiB: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html. AWS
 * has been seen to answer a larger request with both statuses of {@link oversize}. AWS's own connector for Kafka
 * expects 413 (https://github.com/awslabs/eventbridge-kafka-connector); LocalStack recorded 400 from AWS, at the old
 * limit of 256 KiB
 * (https://github.com/localstack/localstack/blob/v4.14.0/tests/aws/services/events/test_events.snapshot.json).
 */
export function refuseRequest(entries: readonly WireEntry[] | undefined, oversize: 413 | 400): Answer | undefined {
  if (!entries) return invalid("Value null at 'entries' failed to satisfy constraint: Member must not be null");
  if (entries.length < 1)
    return invalid(
      "Value '[]' at 'entries' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
  if (entries.length > MAX_ENTRIES) {
    return invalid(
      `Value '[...]' at 'entries' failed to satisfy constraint: Member must have length less than or equal to ${MAX_ENTRIES}`,
    );
  }
  if (entries.reduce((sum, entry) => sum + entryBytes(entry), 0) < MAX_BYTES) return undefined;
  const code = oversize === 413 ? 'RequestEntityTooLarge' : 'ValidationException';
  return failure(oversize, code, 'Total size of the entries in the request is over the limit.');
}

function invalid(fault: string): Answer {
  return failure(400, 'ValidationException', `1 validation error detected: ${fault}`);
}

/**
 * Reads the detail of an entry, or returns the fault for which EventBridge refuses the entry.
 *
 * Codes: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html. By the documentation
 * of the SDK, a request fails as a whole if none of its entries is complete; but LocalStack recorded a result for each
 * entry from AWS in this case, with these messages. The code for a detail nested deeper than 1,000 levels, which AWS
 * "will not process" (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html), is not known; here
 * it is malformed.
 */
export function readEntry({ Source, DetailType, Detail }: WireEntry): { readonly detail: EventDetail } | EntryFault {
  if (!Source) return missing('Source');
  if (!DetailType) return missing('DetailType');
  if (!Detail) return missing('Detail');
  // Reserved for AWS's own services.
  if (Source.startsWith('aws.'))
    return { ErrorCode: 'NotAuthorizedForSourceException', ErrorMessage: 'Not authorized for the source.' };
  const detail = parseObject(Detail);
  return detail ? { detail } : { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
}

function missing(name: string): EntryFault {
  return {
    ErrorCode: 'InvalidArgument',
    ErrorMessage: `Parameter ${name} is not valid. Reason: ${name} is a required argument.`,
  };
}

function parseObject(json: string): EventDetail | undefined {
  try {
    const value = JSON.parse(json);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject && depthOf(json) <= MAX_DEPTH ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The nesting depth of a well-formed JSON text. */
function depthOf(json: string): number {
  // Each level takes two characters.
  if (json.length < 2 * MAX_DEPTH) return 0;
  let depth = 0;
  let deepest = 0;
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/g)) {
    if (token === '{' || token === '[') deepest = Math.max(deepest, ++depth);
    else if (token === '}' || token === ']') depth -= 1;
  }
  return deepest;
}

/**
 * Whether EventBridge accepts an entry but drops it: for an unknown bus, or a detail-type that is too long.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html
 */
export function isDropped({ DetailType = '', EventBusName }: WireEntry, buses: ReadonlySet<string>): boolean {
  return DetailType.length > MAX_DETAIL_TYPE || !buses.has(busName(EventBusName));
}

/** The name of a bus that is given by name or ARN; by default, the default bus. */
export function busName(nameOrArn = 'default'): string {
  return nameOrArn.slice(nameOrArn.lastIndexOf('/') + 1);
}

/**
 * The size of an entry in bytes.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size
 */
export function entryBytes({ Source = '', DetailType = '', Detail = '', Time, Resources }: WireEntry): number {
  let bytes = Time === undefined ? 0 : 14;
  bytes += Buffer.byteLength(Source) + Buffer.byteLength(DetailType) + Buffer.byteLength(Detail);
  for (const resource of Resources ?? []) bytes += Buffer.byteLength(resource);
  return bytes;
}
