import type { RedisConnection } from '../redis/port.ts';
import { ZERO_ID } from '../stream/id.ts';
import { metaKey } from '../stream/keys.ts';
import type { Cursor } from '../stream/read.ts';

/**
 * The queues that have neither a stream nor settings: their names, or the prefix, are likely misspelt.
 *
 * @param cursors where queues are that were read to their end
 * @returns none of those of which Redis does not say
 * @throws {RedisError} when the connection fails
 */
export async function missingQueues(
  redis: RedisConnection,
  cursors: readonly Cursor[],
  prefix: string,
): Promise<string[]> {
  // A stream that has received nothing, most likely since there is none.
  const empty = cursors.filter(({ position: { id, ordinal } }) => id === ZERO_ID && ordinal === 0);
  if (empty.length === 0) return [];
  const replies = await redis.send(
    empty.map(({ queue }) => ['hmget', metaKey(prefix, queue), 'version', 'opts.maxLenEvents']),
  );
  const isMissing = (reply: unknown) => Array.isArray(reply) && reply.every((value) => value === null);
  return empty.flatMap(({ queue }, i) => (isMissing(replies[i]) ? queue : []));
}
