import type { RedisConnection } from './connection.ts';
import { redisError } from './redis-error.ts';

/** The key of a queue's event stream. */
export function eventsKey(prefix: string, queue: string): string {
  return `${prefix}:${queue}:events`;
}

/** The key of a queue's settings. */
export function metaKey(prefix: string, queue: string): string {
  return `${prefix}:${queue}:meta`;
}

/**
 * Finds every queue under a prefix, sorted by name.
 *
 * BullMQ keeps no list of its queues; each one that ever emitted an event has a `meta` hash. `COUNT 1000` measured ten
 * times faster than the default of 10 over a million keys. A queue's name cannot contain a colon, so
 * `bull:<queue>:repeat:meta` (a job scheduler called "meta") and job ids that end in `:meta` are told apart.
 * @throws {RedisError} when `SCAN` is refused or the connection fails
 */
export async function discoverQueues(redis: RedisConnection, prefix: string): Promise<string[]> {
  const queues = new Set<string>();
  const pattern = `${escapeGlob(prefix)}:*:meta`;
  let cursor = '0';
  do {
    const [reply] = await redis.send([['scan', cursor, 'MATCH', pattern, 'COUNT', 1000]]);
    if (reply instanceof Error) throw redisError(reply, redis.target, `looking for queues (SCAN MATCH ${pattern})`);
    const [next, keys] = reply as [string, string[]];
    for (const key of keys) {
      const queue = key.slice(prefix.length + 1, -':meta'.length);
      if (queue !== '' && !queue.includes(':')) queues.add(queue);
    }
    cursor = next;
  } while (cursor !== '0');
  return [...queues].sort();
}

function escapeGlob(text: string): string {
  return text.replace(/[[\]*?\\^]/g, '\\$&');
}
