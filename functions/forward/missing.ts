import type { RedisConnection } from '../redis/port.ts';
import { ZERO_ID } from '../stream/id.ts';
import { metaKey } from '../stream/keys.ts';
import type { Cursor } from '../stream/read.ts';

/**
 * The queues that have neither a stream nor settings: their names or the prefix are probably misspelt.
 *
 * @param cursors of queues that were read to their end
 * @returns the names, without queues that Redis refuses to report
 * @throws {RedisError} when the connection fails
 */
export async function missingQueues(
  redis: RedisConnection,
  cursors: readonly Cursor[],
  prefix: string,
): Promise<string[]> {
  // A stream that never received an entry most likely does not exist.
  const empty = cursors.filter(({ position: { id, ordinal } }) => id === ZERO_ID && ordinal === 0);
  if (empty.length === 0) return [];
  const replies = await redis.send(
    empty.map(({ queue }) => ['hmget', metaKey(prefix, queue), 'version', 'opts.maxLenEvents']),
  );
  const isMissing = (reply: unknown) => Array.isArray(reply) && reply.every((value) => value === null);
  return empty.flatMap(({ queue }, i) => (isMissing(replies[i]) ? queue : []));
}
