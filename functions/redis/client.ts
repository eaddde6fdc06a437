import { Redis } from 'ioredis';
import { tokenError } from './error.ts';
import type { Command, RedisTarget } from './port.ts';
import { createReplyReader } from './reply-reader.ts';
import { connectorOf, type Filter, secureOptions } from './socket.ts';

/** The options for a login to a server. */
export interface ServerAccess {
  readonly tls: boolean;
  /** The hosts of the URL; the certificate of a server may be for any of them. */
  readonly hosts: readonly string[];
  /** Certificates that are trusted instead of Node's own, as PEM. */
  readonly ca?: string | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Creates the password of each connection, instead of `password`. */
  readonly token?: (() => Promise<string>) | undefined;
  readonly db: number;
  /** Milliseconds to connect. */
  readonly connectTimeout: number;
  /** Milliseconds for the reply to one pipeline. */
  readonly commandTimeout: number;
  /** The role of the server, for errors. */
  readonly role?: string | undefined;
}

/** A client of ioredis that is logged in. It never reconnects. */
export interface Client {
  /**
   * Sends a pipeline. Only one pipeline may be under way.
   *
   * @param maxValueBytes see {@link ReplyLimits}
   * @param onBytes called when bytes have arrived, with the number of all bytes so far; only heads of long values count
   * @returns the reply to each command, or the error that prevented it
   */
  exchange(
    commands: readonly Command[],
    maxValueBytes?: number,
    onBytes?: (received: number) => void,
  ): Promise<unknown[]>;
  close(): void;
}

/** @throws {Error} the error of Node, Redis or ioredis, if it cannot connect or log in */
export async function openClient(target: RedisTarget, access: ServerAccess): Promise<Client> {
  const { user, token, connectTimeout, commandTimeout } = access;
  const { host, port } = target;
  const password = token
    ? await token().catch((error: Error) => {
        throw tokenError(error, target);
      })
    : access.password;
  let filter: Filter = Buffer.from;
  const secure = access.tls ? secureOptions(target, access) : undefined;
  const redis = new Redis({
    host,
    port,
    ...(password !== undefined && { password }),
    ...(password !== undefined && user !== undefined && { username: user }),
    ...(secure && { tls: secure }),
    Connector: connectorOf(target, secure, (chunk) => filter(chunk)),
    lazyConnect: true,
    connectTimeout,
    commandTimeout,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    protocol: 2,
    disableClientInfo: true,
  });
  // The error of a pending command only says that the connection was closed. The reason comes as an event.
  let reason: Error | undefined;
  redis.on('error', (error: Error) => {
    reason ??= error;
  });
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    throw reason ?? error;
  }
  return {
    async exchange(commands, maxValueBytes, onBytes) {
      const isLazy = (reply: number) => commands[reply]?.[0] === 'xrangeBuffer';
      const reader = createReplyReader({ replies: commands.length, isLazy, longest: maxValueBytes });
      filter = (chunk) => {
        const placeholders = reader.read(chunk);
        onBytes?.(reader.received);
        return placeholders;
      };
      const results = (await redis.pipeline(commands.map((command) => [...command])).exec()) ?? [];
      // Otherwise the replies would stay in memory until the next exchange.
      filter = Buffer.from;
      return commands.map(([name], i) => {
        const error = results[i]?.[0];
        if (error) return explain(error, reason);
        const reply = reader.replies[i];
        if (name !== 'exec' || !Array.isArray(reply)) return toResult(commands[i], reply);
        return reply.map((each, k) => toResult(commands[i - reply.length + k], each));
      });
    },
    close: () => redis.disconnect(),
  };
}

/** A reply as its command wants it: with texts or bytes. */
function toResult(command: Command | undefined, reply: unknown): unknown {
  return command?.[0].endsWith('Buffer') ? reply : toText(reply);
}

function toText(reply: unknown): unknown {
  if (Array.isArray(reply)) return reply.map(toText);
  return Buffer.isBuffer(reply) ? reply.toString() : reply;
}

/** Whether an error is a reply of Redis, and not of ioredis. */
export function isReply(error: Error): boolean {
  return error.name === 'ReplyError';
}

/** Adds the reason to the error of a closed connection: an error of the socket, or a reply without a command. */
function explain(error: Error, reason: Error | undefined): Error {
  if (isReply(error) || !reason || !/Connection is closed|Command aborted/.test(error.message)) return error;
  const [, reply = reason.message] = /Last error: (.*)/s.exec(reason.message) ?? [];
  return new Error(`${error.message}: ${reply}`);
}
