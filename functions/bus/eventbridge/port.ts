import { type BusEntry, MAX_REQUEST_BYTES } from '../../event/entry.ts';

/** What EventBridge says of one entry of a request. */
export interface EntryResult {
  readonly EventId?: string | undefined;
  readonly ErrorCode?: string | undefined;
  readonly ErrorMessage?: string | undefined;
}

/**
 * Sends one request; the results are in the order of the entries.
 *
 * Throws what the client throws where the request as a whole failed; it is not retried here.
 */
export type PutEvents = (entries: readonly BusEntry[]) => Promise<readonly EntryResult[]>;

/** Of one request. https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html */
export const LIMITS: EventBus['limits'] = { entries: 10, bytes: MAX_REQUEST_BYTES };

/** A bus to publish to. */
export interface EventBus {
  /** For errors. */
  readonly name: string;
  /** Of one request. */
  readonly limits: { readonly entries: number; readonly bytes: number };
  readonly put: PutEvents;
  /**
   * Makes sure that the bus exists: PutEvents accepts entries for a bus that does not, and drops them. Waits until the
   * bus answers.
   *
   * @param signal ends the waiting
   * @returns a warning where nobody says whether it exists
   * @throws {BusError} where there is no such bus
   */
  check(signal: AbortSignal): Promise<string | undefined>;
}
