import { ReplyTooLargeError } from '../redis/port.ts';
import { createItemSize, MAX_REPLY_BYTES, PORTION_BYTES } from './item-size.ts';

/** Reads items whose size nobody knows before, as many at a time as memory allows. */
export interface Portions {
  /**
   * Reads the next items; one item alone is read whatever its size.
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

export function createPortions(): Portions {
  const size = createItemSize();
  return {
    async read(most, ask) {
      for (;;) {
        const count = Math.min(most, Math.max(1, Math.floor(PORTION_BYTES / size.bytes)));
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
