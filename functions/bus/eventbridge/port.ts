import type { BusEntry } from '../../event/entry.ts';

/** What EventBridge says of one entry of a request. */
export interface EntryResult {
  readonly EventId?: string | undefined;
  readonly ErrorCode?: string | undefined;
  readonly ErrorMessage?: string | undefined;
}

/**
 * Sends one request of at most ten entries; the results are in the order of the entries.
 *
 * Throws what the client throws where the request as a whole failed; it is not retried here.
 */
export type PutEvents = (entries: readonly BusEntry[]) => Promise<readonly EntryResult[]>;
