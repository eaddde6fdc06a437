import type { RedisError } from '../errors.ts';
import { redisError } from '../redis/error.ts';
import type { Command, RedisConnection, ReplyLimits } from '../redis/port.ts';
import { type Account, account, type StreamReply } from './account.ts';
import { toEntries } from './entry.ts';
import { eventsKey } from './keys.ts';
import { isAt, type Page, type Position } from './position.ts';
import { streamInfoCommand, toState } from './stream-info.ts';

/** A queue and its position. */
export interface Cursor {
  readonly queue: string;
  readonly position: Position;
  /** Older positions, newest first, to continue from after a roll-back. */
  readonly anchors: readonly Position[];
  /** Whether a run that ended without saving may have published entries behind the position. @default false */
  readonly isDoubtful?: boolean | undefined;
  /**
   * Whether the previous run of this container read the queue to its end; only new entries make it due.
   *
   * @default false
   */
  readonly isKnown?: boolean | undefined;
}

export interface PageRequest {
  readonly cursor: Cursor;
  /** The most entries to read. */
  readonly count: number;
  /** Whether to compare the ordinal with the server's count, which costs more. */
  readonly recount: boolean;
}

/** A page, and whether more may follow; or the error of this queue. */
export type PageResult =
  | { readonly page: Page; readonly more: boolean }
  | { readonly queue: string; readonly error: RedisError };

export interface ReadOptions {
  readonly prefix: string;
  /** The limits of the replies. @default no limits */
  readonly limits?: ReplyLimits;
}

type Reply = Pick<StreamReply, 'entries' | 'stream'> | { readonly error: Error };

/**
 * Reads the next page of each queue, in one pipeline if no entry was lost.
 *
 * The entry of the position is read again together with the entries behind it. If it is still there, no entry is
 * missing in between; this proof is thirteen times cheaper than the state of the stream (measured over 2,000 queues).
 * If it is gone, the state and the entries are read again in one transaction. If no entry was read yet, this happens at
 * once; see {@link account}.
 * @throws {RedisError} when the connection fails; {@link ReplyTooLargeError} when more arrives than the limits allow
 */
export async function readPages(
  redis: RedisConnection,
  requests: readonly PageRequest[],
  options: ReadOptions,
): Promise<PageResult[]> {
  const results = new Map<PageRequest, PageResult>();
  const unproven: PageRequest[] = [];
  const settle = async (request: PageRequest, reply: Reply) => {
    const { cursor, count } = request;
    if ('error' in reply) return results.set(request, failure(redis, cursor.queue, reply.error, options));
    const found = account(cursor, { ...reply, count });
    if (!found) return unproven.push(request);
    return results.set(request, await toResult(redis, cursor, found, options));
  };
  const firstCommands = ({ cursor, count, recount }: PageRequest, key: string) =>
    recount || cursor.position.kind !== 'entry'
      ? atomic(key, cursor, count)
      : [range(key, cursor.position.id, '+', count + 1)];
  const first = await ask(redis, requests, firstCommands, options);
  for (const [i, request] of requests.entries()) await settle(request, first[i] as Reply);
  // The second answer may have the entry of the position again, if the first answer came from a replica that lagged.
  const again = unproven.splice(0);
  const second = await ask(redis, again, ({ cursor, count }, key) => atomic(key, cursor, count), options);
  for (const [i, request] of again.entries()) await settle(request, second[i] as Reply);
  return requests.map((request) => results.get(request) as PageResult);
}

/** After a roll-back, no entry behind the position is valid: the next page begins at the newest anchor that is left. */
async function toResult(
  redis: RedisConnection,
  cursor: Cursor,
  found: Account,
  options: ReadOptions,
): Promise<PageResult> {
  const { start, entries, loss, more, rolledBack } = found;
  const anchor = rolledBack && (await newestAnchor(redis, cursor, options));
  return { page: { queue: cursor.queue, from: cursor.position, start: anchor ?? start, entries, loss }, more };
}

/** The newest anchor that is still in the stream. It asks one by one: a roll-back is rare, and entries can be large. */
async function newestAnchor(redis: RedisConnection, { queue, anchors }: Cursor, { prefix, limits }: ReadOptions) {
  for (const anchor of anchors) {
    if (anchor.kind !== 'entry') continue;
    const [reply] = await redis.send([range(eventsKey(prefix, queue), anchor.id, anchor.id, 1)], limits);
    if (!(reply instanceof Error) && isAt(anchor, toEntries(reply)[0])) return anchor;
  }
  return undefined;
}

function atomic(key: string, { position }: Cursor, count: number): Command[] {
  return [['multi'], streamInfoCommand(key), range(key, position.id, '+', count + 1), ['exec']];
}

function range(key: string, from: string, to: string, count: number): Command {
  return ['xrangeBuffer', key, from, to, 'COUNT', count];
}

/** Sends the commands of all requests in one pipeline. @returns the replies in the order of the requests */
async function ask(
  redis: RedisConnection,
  requests: readonly PageRequest[],
  commandsOf: (request: PageRequest, key: string) => readonly Command[],
  { prefix, limits }: ReadOptions,
): Promise<Reply[]> {
  if (requests.length === 0) return [];
  const groups = requests.map((request) => commandsOf(request, eventsKey(prefix, request.cursor.queue)));
  const replies = await redis.send(groups.flat(), limits);
  let next = 0;
  return groups.map(({ length }) => {
    const own = replies.slice(next, next + length);
    next += length;
    return length === 1 ? toReply(own[0]) : toAtomicReply(own);
  });
}

function toReply(reply: unknown): Reply {
  return reply instanceof Error ? { error: reply } : { entries: toEntries(reply) };
}

/** The error of a command that was refused while it was queued has the reason; the error of `EXEC` does not. */
function toAtomicReply(replies: readonly unknown[]): Reply {
  const refused = replies.find((reply) => reply instanceof Error);
  if (refused) return { error: refused };
  const [info, entries] = replies.at(-1) as [unknown, unknown];
  const stream = toState(info);
  if (stream instanceof Error) return { error: stream };
  if (entries instanceof Error) return { error: entries };
  return { entries: toEntries(entries), stream };
}

function failure(redis: RedisConnection, queue: string, error: Error, { prefix }: ReadOptions) {
  return { queue, error: redisError(error, redis.target, `reading ${eventsKey(prefix, queue)}`) };
}
