import { type BusEntry, entryBytes, MAX_REQUEST_BYTES } from '../event/entry.ts';

/** https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html */
export const MAX_REQUEST_ENTRIES = 10;

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
