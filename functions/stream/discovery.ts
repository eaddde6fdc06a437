import type { RedisConnection, ScanCursors, Scanned, ScanOptions } from '../redis/port.ts';
import { eventsKey } from './keys.ts';

/** The queues that are known, sorted by name. */
export interface Discovery {
  readonly queues: readonly string[];
  /** Whether all keys have been looked at, so that none of the queues is missing that were there then. */
  readonly isWhole: boolean;
  /**
   * Queues that were found before, and not when all keys were looked at last: their streams are likely gone.
   * @default none
   */
  readonly vanished?: readonly string[];
}

/** Looks for queues. @throws {RedisError} when `SCAN` is refused or the connection fails */
export type Discover = (redis: RedisConnection, signal: AbortSignal) => Promise<Discovery>;

/** Keys that a run looks at on each server: some 150 ms of Redis's time, at 0.8 µs a key. */
const MAX_KEYS = 200_000;

/**
 * Makes what a container knows of the queues under a prefix, and adds to with every run.
 *
 * Only `SCAN` finds queues, and with millions of jobs that takes seconds. So the first look goes through all keys, in
 * as many runs as it takes; from then on every run looks at a bounded number, from where the last one stopped. Where
 * there are no more, each run sees all of them.
 *
 * A queue is forgotten when two rounds in a row did not find it: a cursor means nothing to another server, so that a
 * failover can hide queues from the round that it falls in.
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
 * BullMQ keeps no list of its queues, and no other key shows all that have events: a producer of custom events writes
 * no `meta`. So a queue is a stream `<prefix>:<name>:events`. Its name may have colons, which BullMQ allowed before
 * 5.12.12; jobs whose ids end in `:events` are hashes. Where another prefix begins with this one and a colon, its
 * queues are found, too.
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
