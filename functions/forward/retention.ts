import type { RedisConnection } from '../stream/connection.ts';
import { metaKey } from '../stream/queues.ts';
import type { Cursor } from '../stream/read.ts';
import { redisError } from '../stream/redis-error.ts';

/** What BullMQ trims to where nothing else is set: https://docs.bullmq.io/guide/events */
const DEFAULT_MAX_LEN = 10_000;

/**
 * How much of its stream's capacity the backlog of each queue took, in percent; at 100 Redis begins to trim what was not read.
 *
 * Idle queues are left out, and are not asked for. So are queues seen first, of which nothing can be lost yet, and those
 * whose streams keep nothing.
 * @param arrived entries of each queue that came since its saved position
 * @throws {RedisError} when `HMGET` is refused or the connection fails
 */
export async function retentionUsed(
  redis: RedisConnection,
  prefix: string,
  cursors: readonly Cursor[],
  arrived: ReadonlyMap<string, number>,
): Promise<Map<string, number>> {
  const busy = cursors.flatMap(({ queue, position }) => {
    const entries = arrived.get(queue) ?? 0;
    return position && entries > 0 ? { queue, entries, key: metaKey(prefix, queue) } : [];
  });
  const used = new Map<string, number>();
  if (busy.length === 0) return used;
  const replies = await redis.send(busy.map(({ key }) => ['hmget', key, 'opts.maxLenEvents']));
  for (const [i, { queue, entries, key }] of busy.entries()) {
    const reply = replies[i];
    if (reply instanceof Error) throw redisError(reply, redis.target, `asking what streams keep (HMGET ${key})`);
    const maxLen = Number((reply as (string | null)[])[0] ?? DEFAULT_MAX_LEN);
    if (maxLen > 0) used.set(queue, (entries / maxLen) * 100);
  }
  return used;
}
