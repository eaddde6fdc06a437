import type { RedisConnection, Scanned, ScanOptions } from '../redis/port.ts';

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
 * @throws {RedisError} when `SCAN` is refused or the connection fails
 */
export async function discoverQueues(redis: RedisConnection, prefix: string): Promise<string[]> {
  const { queues } = await scanQueues(redis, prefix);
  return [...queues].sort();
}

/**
 * Looks for queues among some of the keys, or all.
 *
 * BullMQ keeps no list of its queues; each one that ever emitted an event has a `meta` hash. A queue's name cannot
 * contain a colon, so `bull:<queue>:repeat:meta` (a job scheduler called "meta") and job ids that end in `:meta` are told
 * apart.
 * @throws {RedisError} when `SCAN` is refused or the connection fails
 */
export async function scanQueues(
  redis: RedisConnection,
  prefix: string,
  options: ScanOptions = {},
): Promise<Omit<Scanned, 'keys'> & { readonly queues: ReadonlySet<string> }> {
  const { keys, ...rest } = await redis.scan(`${escapeGlob(prefix)}:*:meta`, options);
  const names = keys.map((key) => key.slice(prefix.length + 1, -':meta'.length));
  return { ...rest, queues: new Set(names.filter((name) => name !== '' && !name.includes(':'))) };
}

function escapeGlob(text: string): string {
  return text.replace(/[[\]*?\\^]/g, '\\$&');
}
