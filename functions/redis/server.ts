import { Redis } from 'ioredis';
import type { RedisError } from '../errors.ts';
import { redisError, tokenError } from './error.ts';
import { mapOf } from './pairs.ts';
import { type Command, type RedisTarget, ReplyTooLargeError } from './port.ts';
import { speaksPlain, speaksTls } from './probe.ts';
import type { Address } from './url.ts';

/** How to get into a server, beside where it is. */
export interface ServerAccess {
  readonly tls: boolean;
  /** Certificates that are trusted instead of Node's own, as PEM. */
  readonly ca?: string | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Makes the password of each connection, instead of `password`. */
  readonly token?: (() => Promise<string>) | undefined;
  readonly db?: number | undefined;
  /** Milliseconds to connect. */
  readonly connectTimeout: number;
  /** Milliseconds for the reply to one pipeline. */
  readonly commandTimeout: number;
  /** What the server is to others, for errors. */
  readonly role?: string | undefined;
}

/** How many bytes may arrive for one question, over all servers that it goes to, and how many did. */
export interface ReplyLimit {
  readonly maxBytes: number;
  received: number;
}

/** A connection to one server. */
export interface RedisServer {
  readonly target: RedisTarget;
  /** `standalone`, `cluster` or `sentinel`; absent before Redis 6, and where `HELLO` is not known. */
  readonly mode?: string | undefined;
  /** `master` or `replica`; absent as `mode` is. */
  readonly role?: string | undefined;
  /** @throws {RedisError} when the connection fails; {@link ReplyTooLargeError} when more than the limit arrives */
  send(commands: readonly Command[], limit?: ReplyLimit): Promise<unknown[]>;
  close(): void;
}

/**
 * Connects to one server, and asks what it is.
 *
 * `HELLO` is for every user, whatever it may do, and without arguments it changes nothing.
 * https://redis.io/docs/latest/commands/hello/
 * @throws {RedisError} naming host, user and cause
 */
export async function connectServer({ host, port }: Address, access: ServerAccess): Promise<RedisServer> {
  const { user, role, token } = access;
  const target = { host, port, user: user ?? 'default', role, iam: token !== undefined };
  const redis = await open(target, access);
  const close = () => redis.disconnect();
  try {
    const [hello] = await sendPipeline(redis, [['hello']]);
    if (hello instanceof Error && !/^(ERR|NOPERM)/.test(hello.message)) throw hello;
    const about = mapOf(hello instanceof Error ? [] : (hello as unknown[]));
    return {
      target,
      mode: textOf(about, 'mode'),
      role: textOf(about, 'role'),
      send: (commands, limit) => sendWithin(redis, target, commands, limit),
      close,
    };
  } catch (error) {
    close();
    throw await connectionError(error as Error, target, access);
  }
}

async function open(target: RedisTarget, access: ServerAccess): Promise<Redis> {
  const { tls, ca, user, db = 0, token, connectTimeout, commandTimeout } = access;
  const { host, port } = target;
  const password = token
    ? await token().catch((error: Error) => {
        throw tokenError(error, target);
      })
    : access.password;
  const redis = new Redis({
    host,
    port,
    db,
    ...(password !== undefined && { password }),
    ...(password !== undefined && user !== undefined && { username: user }),
    ...(tls && { tls: ca === undefined ? {} : { ca } }),
    lazyConnect: true,
    connectTimeout,
    commandTimeout,
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
    throw await connectionError(reason ?? (error as Error), target, access);
  }
}

/** A server that speaks TLS and a client that does not, or the other way, only see silence or a closed connection. */
async function connectionError(error: Error, target: RedisTarget, { tls }: ServerAccess): Promise<RedisError> {
  const found = redisError(error, target, 'connecting');
  if (found.code !== 'REDIS_TIMEOUT' && found.code !== 'REDIS_CLOSED') return found;
  if (tls && (await speaksPlain(target)))
    return redisError(new Error(`NO TLS: ${error.message}`), target, 'connecting');
  if (!tls && (await speaksTls(target)))
    return redisError(new Error(`NEEDS TLS: ${error.message}`), target, 'connecting');
  return found;
}

async function sendWithin(redis: Redis, target: RedisTarget, commands: readonly Command[], limit?: ReplyLimit) {
  const stop = limit && watchReply(redis, limit);
  try {
    return await sendPipeline(redis, commands);
  } catch (error) {
    if (limit && limit.received > limit.maxBytes) {
      throw new ReplyTooLargeError(`the reply has more than ${limit.maxBytes} bytes`);
    }
    throw redisError(error as Error, target, 'reading');
  } finally {
    stop?.();
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

/** Ends the connection as soon as more than the limit has arrived: XRANGE can limit entries, but not bytes. */
function watchReply(redis: Redis, limit: ReplyLimit): () => void {
  const { stream } = redis;
  const count = (chunk: Buffer) => {
    limit.received += chunk.length;
    if (limit.received > limit.maxBytes) stream.destroy();
  };
  stream.on('data', count);
  return () => stream.off('data', count);
}

function textOf(about: ReadonlyMap<string, unknown>, name: string): string | undefined {
  return about.has(name) ? String(about.get(name)) : undefined;
}
