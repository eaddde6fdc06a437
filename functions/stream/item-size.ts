/** Bytes of a portion whose items are as large as those before. */
export const PORTION_BYTES = 4 * 1024 * 1024;
/** A reply with more bytes than this is given up and asked for again with fewer items. */
export const MAX_REPLY_BYTES = 3 * PORTION_BYTES;

/** Before anything is known of the items; BullMQ's entries have some 60 bytes, and more with results of jobs. */
const UNKNOWN_BYTES = 512;

/** The expected size of items that Redis can limit by number only. */
export interface ItemSize {
  /** Bytes of one item. */
  readonly bytes: number;
  /** Learns from the items that came. */
  learn(count: number, bytes: number): void;
  /** Learns that so many items were too large for a reply. */
  exceeded(count: number): void;
}

/** Follows the size of items up at once and down slowly: large ones seldom come alone. */
export function createItemSize(): ItemSize {
  let expected = UNKNOWN_BYTES;
  return {
    get bytes() {
      return expected;
    },
    learn(count, bytes) {
      if (count > 0) expected = Math.max(1, bytes / count, expected / 4);
    },
    exceeded(count) {
      // They have more than that on average, whatever those before had.
      expected = Math.max(expected * 8, MAX_REPLY_BYTES / count);
    },
  };
}
