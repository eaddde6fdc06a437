import { Redis } from 'ioredis';
import { ConfigError } from '../errors.ts';
import { type RedisTarget, redisError } from './redis-error.ts';

/** A command's name as ioredis spells it (`xrangeBuffer` for bytes), then its arguments. */
export type Command = readonly [name: string, ...args: (string | number | Buffer)[]];

/** The one thing that is asked of Redis: a pipeline. A command that Redis refuses has an `Error` as its reply. */
export interface RedisConnection {
  readonly target: RedisTarget;
  /** @throws {RedisError} when the connection fails; {@link ReplyTooLargeError} when more than `maxBytes` arrive */
  send(commands: readonly Command[], maxBytes?: number): Promise<unknown[]>;
  close(): void;
}

/** The reply was larger than asked for; it was not read to its end, and the connection is a new one. */
export class ReplyTooLargeError extends Error {}

export interface RedisOptions {
  /** `redis://[user[:password]@]host[:port][/db]`, `rediss://` for TLS. */
  readonly url: string;
  /** Milliseconds to connect. @default 5000 */
  readonly connectTimeout?: number;
  /** Milliseconds for the reply to one pipeline. @default 10000 */
  readonly commandTimeout?: number;
}

/**
 * Connects to Redis for the length of one run.
 *
 * A function is frozen between two invocations and its sockets die unseen, so a connection never outlives a run, and
 * nothing is retried here: the next run is the retry. RESP2 and no handshake commands, so that a read-only user with
 * `+xrange +xinfo|stream +multi +exec +scan +zrangebyscore +hmget` is enough and servers before Redis 6 answer too.
 * @throws {RedisError} naming host, user and cause
 */
export async function connectRedis(options: RedisOptions): Promise<RedisConnection> {
  const target = redisTarget(options.url);
  let redis = await open(options, target);
  return {
    target,
    async send(commands, maxBytes = Number.POSITIVE_INFINITY) {
      const watch = watchReply(redis, maxBytes);
      try {
        return await sendPipeline(redis, commands);
      } catch (error) {
        if (!watch.exceeded()) throw redisError(error as Error, target, 'reading');
        redis = await open(options, target);
        throw new ReplyTooLargeError(`the reply has more than ${maxBytes} bytes`);
      } finally {
        watch.stop();
      }
    },
    close: () => redis.disconnect(),
  };
}

async function open(options: RedisOptions, target: RedisTarget): Promise<Redis> {
  const redis = new Redis(options.url, {
    lazyConnect: true,
    connectTimeout: options.connectTimeout ?? 5000,
    commandTimeout: options.commandTimeout ?? 10_000,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    protocol: 2,
    disableClientInfo: true,
  });
  // connect() only says that the connection was closed; why it was comes as an event.
  let reason: Error | undefined;
  redis.on('error', (error: Error) => {
    reason ??= error;
  });
  try {
    await redis.connect();
    return redis;
  } catch (error) {
    redis.disconnect();
    throw redisError(reason ?? (error as Error), target, 'connecting');
  }
}

/** Settled replies of a pipeline; a reply that is an error is one only if it is Redis's own. */
async function sendPipeline(redis: Redis, commands: readonly Command[]): Promise<unknown[]> {
  const results = (await redis.pipeline(commands.map((command) => [...command])).exec()) ?? [];
  const replies = results.map(([error, reply]) => error ?? reply);
  const broken = replies.find((reply) => reply instanceof Error && reply.name !== 'ReplyError');
  if (broken) throw broken;
  return replies;
}

/** Ends the connection as soon as a reply has more than `maxBytes`: XRANGE can limit entries, but not bytes. */
function watchReply(redis: Redis, maxBytes: number) {
  let received = 0;
  const { stream } = redis;
  const count = (chunk: Buffer) => {
    received += chunk.length;
    if (received > maxBytes) stream.destroy();
  };
  stream.on('data', count);
  return {
    exceeded: () => received > maxBytes,
    stop: () => stream.off('data', count),
  };
}

/** Reads where a Redis URL points to. @throws {ConfigError} without ever repeating the URL, which holds the password */
export function redisTarget(url: string): RedisTarget {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed?.hostname || !['redis:', 'rediss:'].includes(parsed.protocol)) {
    throw new ConfigError([
      'the Redis URL is not one: it must look like redis://user:password@host:6379 (rediss:// for TLS), with special characters in the password percent-encoded (the value is not repeated here)',
    ]);
  }
  return {
    host: parsed.hostname,
    port: Number(parsed.port || 6379),
    user: decodeURIComponent(parsed.username) || 'default',
  };
}
