import { type BusEntry, entryBytes } from '../event/bus-entry.ts';
import type { EventBus } from './eventbridge/port.ts';

/** Packs entries into requests, in their order; each single entry must be within the limits. */
export function pack(entries: readonly BusEntry[], limits: EventBus['limits']): BusEntry[][] {
  const requests: BusEntry[][] = [];
  let request: BusEntry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = entryBytes(entry);
    if (request.length === limits.entries || bytes + size > limits.bytes || requests.length === 0) {
      request = [];
      bytes = 0;
      requests.push(request);
    }
    request.push(entry);
    bytes += size;
  }
  return requests;
}
