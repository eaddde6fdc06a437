import { type RedisConnection, ReplyTooLargeError } from '../redis/port.ts';
import { ZERO_ID } from './id.ts';
import { eventsKey } from './keys.ts';
import { MAX_REPLY_BYTES } from './portions.ts';
import type { Cursor } from './read.ts';

/** Milliseconds that Redis holds back an answer; fewer than a connection waits for one. */
const BLOCK = 5000;

/** Names of the queues that may have something new, or what Redis says instead of telling. */
export type Ring = { readonly queues: readonly string[] } | { readonly error: Error };

/**
 * Waits up to five seconds until one of the queues has an entry behind its position; none has where nobody rang.
 *
 * What came is read by others: an answer has one entry of each stream at most. The connection can be used for nothing else
 * meanwhile. A user needs `+xread`; in a cluster, all streams must be in one hash slot.
 * https://redis.io/docs/latest/commands/xread/
 * @throws {RedisError} when the connection fails
 */
export async function awaitRing(redis: RedisConnection, cursors: readonly Cursor[], prefix: string): Promise<Ring> {
  const queues = new Map(cursors.map(({ queue }) => [eventsKey(prefix, queue), queue]));
  const ids = cursors.map(({ position }) => position?.id ?? ZERO_ID);
  try {
    const command = ['xread', 'COUNT', 1, 'BLOCK', BLOCK, 'STREAMS', ...queues.keys(), ...ids] as const;
    const [reply] = await redis.send([command], { maxBytes: MAX_REPLY_BYTES });
    if (reply instanceof Error) return { error: reply };
    const streams = (reply ?? []) as [key: string, entries: unknown][];
    return { queues: streams.flatMap(([key]) => queues.get(key) ?? []) };
  } catch (error) {
    if (error instanceof ReplyTooLargeError) return { queues: [...queues.values()] };
    throw error;
  }
}
