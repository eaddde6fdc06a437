import type { RedisConnection, ScanCursors, Scanned, ScanOptions } from '../redis/port.ts';
import { eventsKey } from './keys.ts';

/** The queues that are known, sorted by name. */
export interface Discovery {
  readonly queues: readonly string[];
  /** Whether all keys have been scanned at least once, so that no queue of that time is missing. */
  readonly isWhole: boolean;
  /**
   * Queues that the last scan of all keys did not find again: their streams are probably gone.
   * @default none
   */
  readonly vanished?: readonly string[];
}

/** Finds queues. @throws {RedisError} when `SCAN` is refused or the connection fails */
export type Discover = (redis: RedisConnection, signal: AbortSignal) => Promise<Discovery>;

/** Keys that a run scans on each server: some 150 ms of Redis's time, at 0.8 µs a key. */
const MAX_KEYS = 200_000;

/**
 * Creates a function that finds the queues under a prefix; a container keeps it between runs.
 *
 * Only `SCAN` finds queues, and with millions of jobs it takes seconds. The first round scans all keys, over as many
 * runs as it takes. Afterwards, every run scans a limited number of keys and continues where the last run stopped. With
 * fewer keys than that, each run scans all of them.
 *
 * A queue is dropped if two rounds in a row did not find it. One round is not enough: a cursor is not valid on another
 * server, so a failover can hide queues from the current round.
 */
export function createDiscovery(prefix: string, maxKeys = MAX_KEYS): Discover {
  /** The round in which each queue was found last. */
  const found = new Map<string, number>();
  let round = 0;
  let cursors: ScanCursors | undefined;
  return async (redis, signal) => {
    const options = { from: cursors, maxKeys: round === 0 ? undefined : maxKeys, signal };
    cursors = undefined;
    const portion = await scanQueues(redis, prefix, options);
    for (const queue of portion.queues) found.set(queue, round);
    if (portion.isWhole) {
      for (const [queue, last] of found) if (last < round - 1) found.delete(queue);
      round += 1;
    } else {
      cursors = portion.cursors;
    }
    const vanished = [...found].flatMap(([queue, last]) => (last < round - 1 ? queue : []));
    return { queues: [...found.keys()].sort(), isWhole: round > 0, vanished };
  };
}

/**
 * Finds all queues under a prefix, sorted by name.
 *
 * @throws {RedisError} when `SCAN` is refused or the connection fails
 */
export async function discoverQueues(redis: RedisConnection, prefix: string): Promise<string[]> {
  const { queues } = await scanQueues(redis, prefix);
  return [...queues].sort();
}

/**
 * Looks for queues among some or all keys.
 *
 * BullMQ keeps no list of its queues, and no other key exists for all queues with events: a producer of custom events
 * writes no `meta`. Therefore, a queue is a stream `<prefix>:<name>:events`. Its name may have colons, which BullMQ
 * allowed before 5.12.12; a job with an id that ends in `:events` is a hash, not a stream. If another prefix begins
 * with this prefix and a colon, its queues are also found.
 */
async function scanQueues(
  redis: RedisConnection,
  prefix: string,
  options: ScanOptions = {},
): Promise<Omit<Scanned, 'keys'> & { readonly queues: ReadonlySet<string> }> {
  const pattern = eventsKey(escapeGlob(prefix), '*');
  const { keys, ...rest } = await redis.scan(pattern, { ...options, type: 'stream' });
  const names = keys.map((key) => key.slice(prefix.length + 1, -':events'.length));
  return { ...rest, queues: new Set(names.filter((name) => name !== '')) };
}

function escapeGlob(text: string): string {
  return text.replace(/[[\]*?\\^]/g, '\\$&');
}
