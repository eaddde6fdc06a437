import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { connectRedis } from '../functions/redis/connect.ts';
import { writeRefusal } from './write-refusal.ts';

/** A key prefix that this process made up, in a Redis that may also have the keys of others. */
export interface OwnPrefix {
  /** Only letters, digits and dashes, which have no meaning in a pattern. */
  readonly name: string;
  /** The error to show if Redis refuses a write with this reply. */
  refusal(reply: Error): Error;
  /** Removes every key under it. @throws {RedisError} when the connection fails */
  remove(): Promise<void>;
}

const KEY = /^bullbridge-demo-[0-9a-f]{32}:/;

/** Keys to remove with one command. */
const PAGE = 1000;

/**
 * Makes up a prefix without keys, and checks that keys under it can be written and removed.
 *
 * Only the result of this function can remove keys, so no other prefix is ever removed.
 * @throws {Error} with the reason if Redis refuses writes; {@link RedisError} when the connection fails
 */
export async function claimPrefix(redisUrl: string): Promise<OwnPrefix> {
  const name = `bullbridge-demo-${randomBytes(16).toString('hex')}`;
  const redis = await connectRedis({ url: redisUrl });
  try {
    const { keys } = await redis.scan(`${name}*`);
    if (keys.length > 0)
      throw new Error(`The prefix ${name} was made up just now, but Redis has keys under it. Start again.`);
    const refusal = (error: Error) => writeRefusal(error, redis.target);
    await tryToWrite(redisUrl, name).catch((error) => {
      throw refusal(error);
    });
    return Object.freeze({ name, refusal, remove: () => removeKeys(redisUrl, name) });
  } finally {
    redis.close();
  }
}

/**
 * Tries all commands that are needed: BullMQ writes keys and runs scripts, and the keys must be removed at the end. A
 * key that cannot be removed expires after a second.
 */
async function tryToWrite(redisUrl: string, name: string): Promise<void> {
  const key = `${name}:try`;
  await write(redisUrl, async (redis) => {
    await redis.set(key, '', 'PX', 1000);
    await redis.eval('return 1', 1, key);
    await redis.unlink(key);
  });
}

async function removeKeys(redisUrl: string, name: string): Promise<void> {
  const reader = await connectRedis({ url: redisUrl });
  const { keys } = await reader.scan(`${name}:*`).finally(() => reader.close());
  // Checked again, because the pattern alone must not decide which keys are deleted.
  const own = keys.filter((key) => key.startsWith(`${name}:`) && KEY.test(key));
  await write(redisUrl, async (redis) => {
    for (let i = 0; i < own.length; i += PAGE) await redis.unlink(...own.slice(i, i + PAGE));
  });
}

/** Opens a connection that can write, unlike the connections of the functions; it fails at once if Redis is gone. */
async function write(redisUrl: string, use: (redis: Redis) => Promise<void>): Promise<void> {
  const redis = new Redis(redisUrl, { retryStrategy: () => null, maxRetriesPerRequest: 0, enableReadyCheck: false });
  redis.on('error', () => {});
  try {
    await use(redis);
  } finally {
    redis.disconnect();
  }
}
