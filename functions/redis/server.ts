import type { RedisError } from '../errors.ts';
import { type Client, isReply, openClient, type ServerAccess } from './client.ts';
import { redisError } from './error.ts';
import { mapOf } from './pairs.ts';
import { type Command, type RedisTarget, type ReplyLimits, ReplyTooLargeError } from './port.ts';
import { speaksPlain, speaksTls } from './probe.ts';
import type { Address } from './url.ts';

/** The limits of a request, and the bytes that arrived for it from all servers. */
export interface Allowance extends ReplyLimits {
  received: number;
}

/** A connection to one server. */
export interface RedisServer {
  readonly target: RedisTarget;
  /** @throws {RedisError} when the connection fails; {@link ReplyTooLargeError} when more than the allowance arrives */
  send(commands: readonly Command[], allowance?: Allowance): Promise<unknown[]>;
  close(): void;
}

/** The reply to `HELLO`; empty before Redis 6.2, or if `HELLO` is denied. */
interface About {
  /** `standalone`, `cluster` or `sentinel`. */
  readonly mode: string | undefined;
  /** `master` or `replica`. */
  readonly role: string | undefined;
}

/** Replies to `HELLO` of servers before Redis 6.2, and of servers that deny it. */
const NO_HELLO = /^(ERR unknown command|ERR wrong number of arguments for 'hello'|NOPERM)/i;

/**
 * Connects to one server, asks for its mode and role, and selects the database before any key is read.
 *
 * @throws {RedisError} with the host, the user and the cause
 */
export async function connectServer({ host, port }: Address, access: ServerAccess): Promise<RedisServer & About> {
  const { user, role, token } = access;
  const target = { host, port, user: user ?? 'default', role, iam: token !== undefined };
  let client: Client | undefined;
  try {
    client = await openClient(target, access);
    const about = await introduce(client, target, access.db);
    const { close } = client;
    return { target, ...about, send: sender(client, target), close };
  } catch (error) {
    client?.close();
    throw await connectionError(error as Error, target, access);
  }
}

/**
 * Asks for the mode and role, and selects the database.
 *
 * Every user may send `HELLO`; without arguments, it changes nothing. https://redis.io/docs/latest/commands/hello/
 * ioredis could select the database, but it ignores a refusal. A Sentinel has no databases.
 */
async function introduce(client: Client, target: RedisTarget, db: number): Promise<About> {
  const [hello, selected] = await client.exchange(db === 0 ? [['hello']] : [['hello'], ['select', db]]);
  if (hello instanceof Error && !(isReply(hello) && NO_HELLO.test(hello.message))) throw hello;
  const about = mapOf(hello instanceof Error ? [] : (hello as unknown[]));
  const mode = textOf(about, 'mode');
  if (selected instanceof Error && mode !== 'sentinel') throw redisError(selected, target, `selecting database ${db}`);
  return { mode, role: textOf(about, 'role') };
}

/** If only one side speaks TLS, the connection times out or is closed. Two probes detect this case. */
async function connectionError(error: Error, target: RedisTarget, { tls }: ServerAccess): Promise<RedisError> {
  const found = redisError(error, target, 'connecting');
  if (found.code !== 'REDIS_TIMEOUT' && found.code !== 'REDIS_CLOSED') return found;
  if (tls && (await speaksPlain(target)))
    return redisError(new Error(`NO TLS: ${error.message}`), target, 'connecting');
  if (!tls && (await speaksTls(target)))
    return redisError(new Error(`NEEDS TLS: ${error.message}`), target, 'connecting');
  return found;
}

function sender(client: Client, target: RedisTarget): RedisServer['send'] {
  return async (commands, allowance = { received: 0 }) => {
    let before = 0;
    const replies = await client.exchange(commands, allowance.maxValueBytes, (received) => {
      allowance.received += received - before;
      before = received;
      // XRANGE cannot limit the number of bytes.
      if (isSpent(allowance)) client.close();
    });
    if (isSpent(allowance)) throw new ReplyTooLargeError(`the reply has more than ${allowance.maxBytes} bytes`);
    const broken = replies.find((reply) => reply instanceof Error && !isReply(reply));
    if (broken) throw redisError(broken as Error, target, 'reading');
    return replies;
  };
}

function isSpent({ maxBytes = Number.POSITIVE_INFINITY, received }: Allowance): boolean {
  return received > maxBytes;
}

function textOf(about: ReadonlyMap<string, unknown>, name: string): string | undefined {
  return about.has(name) ? String(about.get(name)) : undefined;
}
