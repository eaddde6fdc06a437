import { ReplyTooLargeError } from '../redis/port.ts';

/** What a portion has when its items are as large as those before. */
const PORTION_BYTES = 4 * 1024 * 1024;
/** A portion that brings more than this is given up and asked for again with fewer items. */
export const MAX_REPLY_BYTES = 3 * PORTION_BYTES;
/** Before anything is known of the items. */
const UNKNOWN_ITEM_BYTES = 512;

/** Reads items whose size nobody knows before, as many at a time as memory allows. */
export interface Portions {
  /**
   * Reads the next items.
   *
   * @param most how many there are, or are wanted at the most
   * @param ask reads the first `count` of them, throws {@link ReplyTooLargeError} beyond `maxBytes`, and says how many bytes came
   * @returns how many were asked for, and what came
   */
  read<T extends { readonly bytes: number }>(
    most: number,
    ask: (count: number, maxBytes: number | undefined) => Promise<T>,
  ): Promise<T & { readonly count: number }>;
}

/** Follows the size of the items up at once and down by and by: large ones seldom come alone. One item alone is read whatever its size. */
export function createPortions(): Portions {
  let itemBytes = UNKNOWN_ITEM_BYTES;
  return {
    async read(most, ask) {
      for (;;) {
        const count = Math.min(most, Math.max(1, Math.floor(PORTION_BYTES / itemBytes)));
        try {
          const answer = await ask(count, count === 1 ? undefined : MAX_REPLY_BYTES);
          itemBytes = Math.max(1, answer.bytes / count, itemBytes / 4);
          return { ...answer, count };
        } catch (error) {
          if (!(error instanceof ReplyTooLargeError)) throw error;
          // They have more than that on average, whatever those before had.
          itemBytes = Math.max(itemBytes * 8, MAX_REPLY_BYTES / count);
        }
      }
    },
  };
}
