import { type BusEntry, MAX_REQUEST_BYTES } from '../../event/bus-entry.ts';

/** The result of an entry of a request. */
export interface EntryResult {
  readonly EventId?: string | undefined;
  readonly ErrorCode?: string | undefined;
  readonly ErrorMessage?: string | undefined;
}

/**
 * Sends one request, without retries; the results are in the order of the entries.
 *
 * @throws the error of the client if the request failed as a whole
 */
export type PutEvents = (entries: readonly BusEntry[]) => Promise<readonly EntryResult[]>;

/** The limits of a request. https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html */
export const LIMITS: EventBus['limits'] = { entries: 10, bytes: MAX_REQUEST_BYTES };

/** A bus to publish to. */
export interface EventBus {
  /** For errors. */
  readonly name: string;
  /** The limits of a request. */
  readonly limits: { readonly entries: number; readonly bytes: number };
  readonly put: PutEvents;
  /**
   * Checks that the bus exists: PutEvents accepts entries for a bus that does not exist, and drops them. Waits until
   * the bus answers.
   *
   * @param signal ends the waiting
   * @returns a warning if the check is not allowed
   * @throws {BusError} if the bus does not exist
   */
  check(signal: AbortSignal): Promise<string | undefined>;
}
