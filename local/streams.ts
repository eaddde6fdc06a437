import { Redis } from 'ioredis';
import { connectRedis } from '../functions/redis/connect.ts';
import { mapOf } from '../functions/redis/pairs.ts';
import { discoverQueues } from '../functions/stream/discovery.ts';

/** What Redis itself says of a queue's event stream. */
export interface StreamCount {
  /** Entries ever written to it. */
  readonly written: number;
  /** Entries still there, by the name of their event. */
  readonly events: ReadonlyMap<string, number>;
}

const PAGE = 1000;

/** Counts the entries of queues' event streams in Redis, to be held against what arrived. */
export async function countStreams(
  url: string,
  prefix: string,
  queues: readonly string[],
): Promise<Map<string, StreamCount>> {
  const redis = new Redis(url, { maxRetriesPerRequest: 1 });
  try {
    const counts = new Map<string, StreamCount>();
    for (const queue of queues) counts.set(queue, await countStream(redis, `${prefix}:${queue}:events`));
    return counts;
  } finally {
    redis.disconnect();
  }
}

async function countStream(redis: Redis, key: string): Promise<StreamCount> {
  const events = new Map<string, number>();
  let from = '-';
  for (;;) {
    const page = await redis.xrange(key, from, '+', 'COUNT', PAGE);
    for (const [, [, event = '']] of page) events.set(event, (events.get(event) ?? 0) + 1);
    if (page.length < PAGE) break;
    from = `(${page.at(-1)?.[0]}`;
  }
  const info = mapOf((await redis.xinfo('STREAM', key).catch(() => [])) as unknown[]);
  return { written: Number(info.get('entries-added') ?? 0), events };
}

/** The queues under a prefix. */
export async function findQueues(url: string, prefix: string): Promise<string[]> {
  const redis = await connectRedis({ url });
  try {
    return await discoverQueues(redis, prefix);
  } finally {
    redis.close();
  }
}

/** Removes every key of a demonstration, whose prefix is its own. */
export async function removePrefix(url: string, prefix: string): Promise<void> {
  const redis = new Redis(url, { maxRetriesPerRequest: 1 });
  try {
    for await (const keys of redis.scanStream({ match: `${prefix}:*`, count: 1000 })) {
      if (keys.length > 0) await redis.unlink(...(keys as string[]));
    }
  } finally {
    redis.disconnect();
  }
}
