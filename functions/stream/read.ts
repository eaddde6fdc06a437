import type { RedisError } from '../errors.ts';
import { redisError } from '../redis/error.ts';
import { mapOf } from '../redis/pairs.ts';
import type { Command, RedisConnection } from '../redis/port.ts';
import { continueFrom, type StreamInfo, trimmed } from './continuity.ts';
import { ZERO_ID } from './id.ts';
import { eventsKey } from './keys.ts';
import { beginning, type Entry, isAt, type Page, type Position, positionAt } from './position.ts';

/** What is known of a queue before its next page is read. */
export interface Cursor {
  readonly queue: string;
  /** Absent for a queue seen first. */
  readonly position: Position | undefined;
  /** Older positions, newest first: where to go back to when the position was rolled back. */
  readonly anchors: readonly Position[];
  /** For a queue seen first: entries older than this moment, in milliseconds of Redis's clock, are left out. @default none */
  readonly since?: number | undefined;
}

export interface PageRequest {
  readonly cursor: Cursor;
  /** Entries wanted at most. */
  readonly count: number;
}

/** A page, and whether more may follow it; or why this one queue could not be read. */
export type PageResult =
  | { readonly page: Page; readonly more: boolean }
  | { readonly queue: string; readonly error: RedisError };

export interface ReadOptions {
  readonly prefix: string;
  /** Bytes of reply at which a pipeline is given up. @default unlimited */
  readonly maxBytes?: number | undefined;
}

/** What Redis answered for one queue: its entries, and the stream's state where it was asked for and there is one. */
interface State {
  readonly entries: readonly Entry[];
  readonly stream?: StreamInfo;
}

type Answer = State | { readonly error: Error };

/**
 * Reads the next page of each queue, in one pipeline where nothing was lost.
 *
 * The position's own entry is read again with those behind it: that it is still there proves that nothing is missing in
 * between, thirteen times cheaper than asking for the stream's state (measured over 2,000 queues). Only where it is gone, the state
 * and the entries are read again in one transaction and accounted for; see {@link continueFrom}.
 * @throws {RedisError} when the connection fails; {@link ReplyTooLargeError} when more than `maxBytes` arrive
 */
export async function readPages(
  redis: RedisConnection,
  requests: readonly PageRequest[],
  options: ReadOptions,
): Promise<PageResult[]> {
  const results = new Map<PageRequest, PageResult>();
  const unproven: PageRequest[] = [];
  for (const [request, answer] of await ask(redis, requests, firstCommands, options)) {
    const { position } = request.cursor;
    if ('error' in answer) results.set(request, failure(redis, request, answer.error, options));
    else if (!position) results.set(request, firstPage(request, answer));
    else if (isAt(position, answer.entries[0])) results.set(request, contiguousPage(request, position, answer));
    else unproven.push(request);
  }
  for (const [request, answer] of await ask(redis, unproven, accountCommands, options)) {
    if ('error' in answer) results.set(request, failure(redis, request, answer.error, options));
    else results.set(request, await accountedPage(redis, request, answer, options));
  }
  return requests.map((request) => results.get(request) as PageResult);
}

/** A queue that was never read has no entry to begin at, so its stream's state is asked for at once. */
function firstCommands({ cursor: { position, since }, count }: PageRequest, key: string): Command[] {
  if (!position) return atomic(key, since === undefined ? '-' : `${since}`, count);
  return [range(key, position.id, '+', count + 1)];
}

/** The position's own entry is looked for again: it can be back, where the first answer came from a replica that lagged. */
function accountCommands({ cursor: { position }, count }: PageRequest, key: string): Command[] {
  return atomic(key, position && position.ordinal !== 0 ? position.id : '-', count + 1);
}

function atomic(key: string, from: string, count: number): Command[] {
  return [['multi'], ['xinfoBuffer', 'STREAM', key], range(key, from, '+', count), ['exec']];
}

function range(key: string, from: string, to: string, count: number): Command {
  return ['xrangeBuffer', key, from, to, 'COUNT', count];
}

/** Entries trimmed before a queue was first seen are nobody's loss. */
function firstPage({ cursor: { queue, since }, count }: PageRequest, { entries, stream }: State): PageResult {
  const page = { queue, from: undefined, start: beginning(stream ? trimmed(stream) : 0), entries };
  const more = entries.length === count;
  if (!stream) return { page, more };
  const { entriesAdded, last, lastId } = stream;
  if (entries.length === 0) {
    const start = last ? positionAt(last, entriesAdded) : { ...beginning(entriesAdded), id: lastId };
    return { page: { ...page, start }, more };
  }
  if (since === undefined || entriesAdded === undefined) return { page, more };
  // How many entries follow a full page is not known, so neither is its ordinal: better to read the older ones than to miss one.
  if (more) return { page: { ...page, entries: [] }, more };
  return { page: { ...page, start: beginning(entriesAdded - entries.length) }, more };
}

function contiguousPage({ cursor, count }: PageRequest, position: Position, found: State): PageResult {
  const entries = found.entries.slice(1);
  return { page: { queue: cursor.queue, from: position, start: position, entries }, more: entries.length === count };
}

/** After a roll-back, what was read stands behind the wrong position: the next page begins at the newest anchor left. */
async function accountedPage(
  redis: RedisConnection,
  { cursor, count }: PageRequest,
  { entries, stream }: State,
  options: ReadOptions,
): Promise<PageResult> {
  const from = cursor.position as Position;
  if (isAt(from, entries[0])) return contiguousPage({ cursor, count }, from, { entries });
  const { start, loss, rolledBack } = continueFrom(from, stream, cursor.anchors);
  const page = { queue: cursor.queue, from, loss };
  if (!rolledBack) return { page: { ...page, start, entries: entries.slice(0, count) }, more: entries.length > count };
  const anchor = await newestAnchor(redis, cursor, options);
  return { page: { ...page, start: anchor ?? start, entries: [] }, more: true };
}

/** The newest anchor that is still in the stream, asked one by one: a roll-back is rare and entries can be large. */
async function newestAnchor(redis: RedisConnection, { queue, anchors }: Cursor, { prefix }: ReadOptions) {
  for (const anchor of anchors) {
    const [reply] = await redis.send([range(eventsKey(prefix, queue), anchor.id, anchor.id, 1)]);
    if (!(reply instanceof Error) && isAt(anchor, toEntries(reply)[0])) return anchor;
  }
  return undefined;
}

/** Sends the commands of every request in one pipeline and gives each request its answer. */
async function ask(
  redis: RedisConnection,
  requests: readonly PageRequest[],
  commandsOf: (request: PageRequest, key: string) => Command[],
  { prefix, maxBytes }: ReadOptions,
): Promise<[PageRequest, Answer][]> {
  if (requests.length === 0) return [];
  const groups = requests.map((request) => commandsOf(request, eventsKey(prefix, request.cursor.queue)));
  const replies = await redis.send(groups.flat(), { maxBytes });
  let next = 0;
  return requests.map((request, i) => {
    const own = replies.slice(next, next + (groups[i]?.length ?? 0));
    next += own.length;
    return [request, own.length === 1 ? toAnswer(own[0]) : toAtomicAnswer(own)];
  });
}

function toAnswer(reply: unknown): Answer {
  return reply instanceof Error ? { error: reply } : { entries: toEntries(reply) };
}

/** A command refused while it was queued is the reason; the transaction's own reply only says that there was one. */
function toAtomicAnswer(replies: unknown[]): Answer {
  const refused = replies.find((reply) => reply instanceof Error);
  if (refused) return { error: refused };
  const [info, entries] = replies.at(-1) as [unknown, unknown];
  if (info instanceof Error && /no such key/.test(info.message)) return { entries: [] };
  if (info instanceof Error) return { error: info };
  if (entries instanceof Error) return { error: entries };
  return { entries: toEntries(entries), stream: toStreamInfo(info as unknown[]) };
}

function toEntries(reply: unknown): Entry[] {
  return (reply as [Buffer, Buffer[]][]).map(([id, fields]) => ({ id: id.toString('latin1'), fields: fields ?? [] }));
}

/** What `XINFO STREAM` answers. */
export function toStreamInfo(reply: unknown[]): StreamInfo {
  const info = mapOf(reply);
  const added = info.get('entries-added');
  const [first, last] = ['first-entry', 'last-entry'].map((name) => toEntries([info.get(name)].filter(Boolean))[0]);
  return {
    length: Number(info.get('length')),
    entriesAdded: added === undefined ? undefined : Number(added),
    lastId: String(info.get('last-generated-id')),
    first,
    last,
    deleted: String(info.get('max-deleted-entry-id') ?? ZERO_ID) !== ZERO_ID,
  };
}

function failure(redis: RedisConnection, { cursor }: PageRequest, error: Error, { prefix }: ReadOptions): PageResult {
  return { queue: cursor.queue, error: redisError(error, redis.target, `reading ${eventsKey(prefix, cursor.queue)}`) };
}

/** The entries of a queue that were not read yet. */
export interface Unread {
  readonly queue: string;
  readonly entries: number;
  /** Otherwise the server does not count entries, or the stream is a new one, and that is how many there are at most. */
  readonly exact: boolean;
}

/** How many entries stand behind the given positions, unread; without queues of which Redis does not tell. */
export async function countUnread(
  redis: RedisConnection,
  cursors: readonly Cursor[],
  options: ReadOptions,
): Promise<Unread[]> {
  const requests = cursors.map((cursor) => ({ cursor, count: 0 }));
  const answers = await ask(redis, requests, accountCommands, options);
  return answers.flatMap(([{ cursor }, answer]) => {
    if ('error' in answer || !answer.stream) return [];
    const { queue, position } = cursor;
    const { length, entriesAdded } = answer.stream;
    const ordinal = position ? position.ordinal : 0;
    const behind = (entriesAdded ?? Number.NaN) - (ordinal ?? Number.NaN);
    const exact = behind >= 0;
    return { queue, entries: exact ? Math.min(length, behind) : length, exact };
  });
}
