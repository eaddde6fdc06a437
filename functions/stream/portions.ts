import { ReplyTooLargeError } from '../redis/port.ts';
import { createItemSize, MAX_REPLY_BYTES, PORTION_BYTES } from './item-size.ts';

/** Reads items of unknown size, as many at a time as memory allows. */
export interface Portions {
  /**
   * Reads the next items; a single item is read whatever its size.
   *
   * @param most the most items to read
   * @param ask reads the first `count` of them, throws {@link ReplyTooLargeError} beyond `maxBytes`, and returns the
   * number of bytes that arrived
   * @returns the number of items that were requested, and the answer
   */
  read<T extends { readonly bytes: number }>(
    most: number,
    ask: (count: number, maxBytes: number | undefined) => Promise<T>,
  ): Promise<T & { readonly count: number }>;
}

/** @param bytes the expected bytes of a portion */
export function createPortions(bytes: number = PORTION_BYTES): Portions {
  const size = createItemSize();
  return {
    async read(most, ask) {
      for (;;) {
        const count = Math.min(most, Math.max(1, Math.floor(bytes / size.bytes)));
        try {
          const answer = await ask(count, count === 1 ? undefined : MAX_REPLY_BYTES);
          size.learn(count, answer.bytes);
          return { ...answer, count };
        } catch (error) {
          if (!(error instanceof ReplyTooLargeError)) throw error;
          size.exceeded(count);
        }
      }
    },
  };
}
