import { Redis } from 'ioredis';
import { inject, onTestFinished } from 'vitest';
import { connectRedis } from '../functions/redis/connect.ts';
import type { RedisConnection } from '../functions/redis/port.ts';

let prefixes = 0;

/** A key prefix that no other test has. */
export function ownPrefix(): string {
  prefixes += 1;
  return `test-${process.pid}-${Date.now().toString(36)}-${prefixes}`;
}

/** A client that may do everything, closed when the test ends. */
export function adminRedis(url = inject('redisUrl')): Redis {
  const redis = new Redis(url, { maxRetriesPerRequest: null });
  onTestFinished(() => redis.disconnect());
  return redis;
}

/** Sends one command to a server that may be gone before the test ends. */
export async function command(url: string, name: string, ...args: readonly string[]): Promise<unknown> {
  const redis = new Redis(url);
  try {
    return await redis.call(name, ...args);
  } finally {
    redis.disconnect();
  }
}

/** The connection that a run has, closed when the test ends. */
export async function runConnection(url = inject('redisUrl')): Promise<RedisConnection> {
  const connection = await connectRedis({ url });
  onTestFinished(() => connection.close());
  return connection;
}
