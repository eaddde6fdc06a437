import type { RedisConnection } from './connection.ts';

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
 * BullMQ keeps no list of its queues; each one that ever emitted an event has a `meta` hash. A queue's name cannot
 * contain a colon, so `bull:<queue>:repeat:meta` (a job scheduler called "meta") and job ids that end in `:meta` are told
 * apart.
 * @throws {RedisError} when `SCAN` is refused or the connection fails
 */
export async function discoverQueues(redis: RedisConnection, prefix: string): Promise<string[]> {
  const queues = new Set<string>();
  for (const key of await redis.keys(`${escapeGlob(prefix)}:*:meta`)) {
    const queue = key.slice(prefix.length + 1, -':meta'.length);
    if (queue !== '' && !queue.includes(':')) queues.add(queue);
  }
  return [...queues].sort();
}

function escapeGlob(text: string): string {
  return text.replace(/[[\]*?\\^]/g, '\\$&');
}
