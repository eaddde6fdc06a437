/** Expected bytes of a portion. */
export const PORTION_BYTES = 4 * 1024 * 1024;
/** A larger reply is given up and requested again with fewer items. */
export const MAX_REPLY_BYTES = 3 * PORTION_BYTES;

/** The first estimate; BullMQ's entries have some 60 bytes, and more with results of jobs. */
const UNKNOWN_BYTES = 512;

/** The expected size of items; Redis can limit a reply only by the number of items. */
export interface ItemSize {
  /** Bytes of one item. */
  readonly bytes: number;
  /** Learns from items that arrived. */
  learn(count: number, bytes: number): void;
  /** Learns that this many items were too large for a reply. */
  exceeded(count: number): void;
}

/** The estimate rises at once and falls slowly, because large items seldom come alone. */
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
      // They were larger than that on average, whatever the estimate was.
      expected = Math.max(expected * 8, MAX_REPLY_BYTES / count);
    },
  };
}
