import { Queue } from 'bullmq';
import { Redis } from 'ioredis';

/** Databases that are looked at. */
const DATABASES = [0, 1];

/** Every key of a Redis with its value as `DUMP` gives it and when it expires, by database and name. */
export async function contentsOf(redisUrl: string): Promise<Map<string, string>> {
  const contents = new Map<string, string>();
  for (const db of DATABASES) {
    const redis = new Redis(redisUrl, { db });
    const keys = (await redis.callBuffer('KEYS', '*')) as Buffer[];
    for (const key of keys) {
      const [dump, expires] = await Promise.all([redis.callBuffer('DUMP', key), redis.call('PEXPIRETIME', key)]);
      // One of a demonstration that runs can be gone by now.
      if (dump) contents.set(`${db} ${key.toString('latin1')}`, `${(dump as Buffer).toString('base64')} ${expires}`);
    }
    redis.disconnect();
  }
  return contents;
}

/** Puts keys of every type under a prefix, and a queue with jobs of every state that a worker would take. */
export async function plant(redisUrl: string, db: number, prefix: string): Promise<void> {
  const redis = new Redis(redisUrl, { db, maxRetriesPerRequest: null });
  await Promise.all([
    redis.set(prefix, 'the prefix itself'),
    redis.set(`${prefix}:text`, 'v', 'EX', 100_000),
    redis.hset(`${prefix}:hash:meta`, 'opts.maxLenEvents', 10),
    redis.rpush(`${prefix}:list:wait`, '1', '2'),
    redis.sadd(`${prefix}:set`, 'a'),
    redis.zadd(`${prefix}:sorted:delayed`, 1, 'a'),
    redis.xadd(`${prefix}:stream:events`, '1-1', 'event', 'completed', 'jobId', '1', 'returnvalue', '{}'),
  ]);
  const queue = new Queue('emails', { connection: redis, prefix });
  await queue.addBulk([
    { name: 'waiting', data: {} },
    { name: 'delayed', data: {}, opts: { delay: 1000 } },
    { name: 'first', data: {}, opts: { priority: 1 } },
  ]);
  await queue.close();
  redis.disconnect();
}
