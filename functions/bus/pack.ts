import type { BusEntry } from './entry.ts';
import { entryBytes } from './entry.ts';

/** https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html */
export const MAX_REQUEST_ENTRIES = 10;

/**
 * Bytes of all entries of a request, by EventBridge's own size rule.
 *
 * The limit is "less than 1 MB" for the request as a whole: AWS's own Kafka connector stays below 1,048,576. Some way under
 * it, since the event is always larger than its entry; a request that is refused as too large is split and sent again.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html#eb-putevent-size
 */
export const MAX_REQUEST_BYTES = 1_000_000;

/** Packs entries into requests, in their order; each entry alone must be within the limit. */
export function pack(entries: readonly BusEntry[], maxBytes = MAX_REQUEST_BYTES): BusEntry[][] {
  const requests: BusEntry[][] = [];
  let request: BusEntry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = entryBytes(entry);
    if (request.length === MAX_REQUEST_ENTRIES || bytes + size > maxBytes || requests.length === 0) {
      request = [];
      bytes = 0;
      requests.push(request);
    }
    request.push(entry);
    bytes += size;
  }
  return requests;
}
