import type { RedisConnection } from '../stream/connection.ts';
import { metaKey } from '../stream/queues.ts';
import { redisError } from '../stream/redis-error.ts';

/** What BullMQ trims to where nothing else is set: https://docs.bullmq.io/guide/events */
const DEFAULT_MAX_LEN = 10_000;

/**
 * How many entries the stream of each queue keeps; without those that keep none.
 *
 * @throws {RedisError} when `HMGET` is refused or the connection fails
 */
export async function capacitiesOf(
  redis: RedisConnection,
  prefix: string,
  queues: readonly string[],
): Promise<Map<string, number>> {
  const capacities = new Map<string, number>();
  if (queues.length === 0) return capacities;
  const keys = queues.map((queue) => metaKey(prefix, queue));
  const replies = await redis.send(keys.map((key) => ['hmget', key, 'opts.maxLenEvents']));
  for (const [i, queue] of queues.entries()) {
    const reply = replies[i];
    if (reply instanceof Error) throw redisError(reply, redis.target, `asking what streams keep (HMGET ${keys[i]})`);
    const maxLen = Number((reply as (string | null)[])[0] ?? DEFAULT_MAX_LEN);
    if (maxLen > 0) capacities.set(queue, maxLen);
  }
  return capacities;
}
