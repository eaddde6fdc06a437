import type { RedisError } from '../errors.ts';
import { type RedisConnection, ReplyTooLargeError } from '../redis/port.ts';
import { MAX_REPLY_BYTES } from './portions.ts';
import { entrySize, type Page, positionAfter } from './position.ts';
import {
  type Cursor,
  countUnread,
  type PageRequest,
  type PageResult,
  type ReadOptions,
  readPages,
  type Unread,
} from './read.ts';

/** What the queues of a round have to share: enough for a sweep of 1,000 entries of 4 kB. */
const ROUND_BYTES = 4 * 1024 * 1024;
/** Before anything is known of a queue; BullMQ's entries have some 60 bytes, and more with results of jobs. */
const UNKNOWN_ENTRY_BYTES = 512;
/** Smaller pages would save nothing: a PutEvents request takes ten entries. */
const MIN_PAGE = 10;

/** A queue that may have unread entries. */
interface UnreadQueue {
  readonly cursor: Cursor;
  /** Expected size of its entries in bytes. */
  readonly entryBytes: number;
}

/** Reads the streams of many queues side by side until each is caught up. */
export interface StreamReader {
  /** The next pages, at most one of each queue; none when every queue is caught up. */
  next(): Promise<Page[]>;
  /** Queues that were read to their end, each where it goes on. */
  caughtUp(): readonly Cursor[];
  /** Reads queues again that were read to their end. */
  resume(queues: readonly string[]): void;
  /** Queues that were not read to their end yet, each where its next page begins. */
  unread(): readonly Cursor[];
  /** How many entries each of them has; `undefined` where the answer would be too large. */
  countUnread(): Promise<Unread[] | undefined>;
  /** Queues that Redis refuses to read, each with its reason; they are left out from then on. */
  readonly failures: ReadonlyMap<string, RedisError>;
}

/**
 * Makes a reader of queues that takes them in turn, so that a busy one cannot starve the others.
 *
 * A round has a budget of bytes, which turns into a number of entries by the size that a queue's last entries had. Entries
 * can have megabytes and Redis cannot limit a range by bytes, so a reply that grows too large is cut off and asked for
 * again in smaller pages; one entry alone is read whatever its size.
 */
export function createStreamReader(
  redis: RedisConnection,
  cursors: readonly Cursor[],
  options: ReadOptions & { readonly sweepSize: number },
): StreamReader {
  const failures = new Map<string, RedisError>();
  const finished = new Map<string, UnreadQueue>();
  let queues: UnreadQueue[] = cursors.map((cursor) => ({ cursor, entryBytes: UNKNOWN_ENTRY_BYTES }));

  async function next(): Promise<Page[]> {
    const requests = planRound(queues, options.sweepSize);
    if (requests.length === 0) return [];
    const asked = queues.slice(0, requests.length);
    const rest = queues.slice(requests.length);
    const oneEntry = requests.length === 1 && requests[0]?.count === 1;
    try {
      const results = await readPages(redis, requests, {
        ...options,
        maxBytes: oneEntry ? undefined : MAX_REPLY_BYTES,
      });
      queues = [...rest, ...asked.flatMap((queue, i) => unfinished(queue, results[i] as PageResult))];
      return results.flatMap((result) => ('page' in result ? result.page : []));
    } catch (error) {
      if (!(error instanceof ReplyTooLargeError)) throw error;
      queues = [...asked.map((queue) => ({ ...queue, entryBytes: queue.entryBytes * 8 })), ...rest];
      return next();
    }
  }

  function unfinished({ cursor, entryBytes }: UnreadQueue, result: PageResult): UnreadQueue[] {
    if ('error' in result) {
      failures.set(result.queue, result.error);
      return [];
    }
    const { page, more } = result;
    const position = positionAfter(page, page.entries.length);
    const queue = { cursor: { ...cursor, position }, entryBytes: expectedBytes(page, entryBytes) };
    if (more) return [queue];
    finished.set(cursor.queue, queue);
    return [];
  }

  function resume(names: readonly string[]): void {
    for (const name of names) {
      const queue = finished.get(name);
      if (queue && finished.delete(name)) queues.push(queue);
    }
  }

  const caughtUp = () => Array.from(finished.values(), ({ cursor }) => cursor);

  const unread = () => queues.map(({ cursor }) => cursor);

  /** Redis answers with the whole first and last entry of each stream, so that the answer can be too large, too. */
  async function countAll(): Promise<Unread[] | undefined> {
    try {
      return await countUnread(redis, unread(), { ...options, maxBytes: MAX_REPLY_BYTES });
    } catch (error) {
      if (error instanceof ReplyTooLargeError) return undefined;
      throw error;
    }
  }

  return { next, caughtUp, resume, unread, countUnread: countAll, failures };
}

/** Which queues to ask, in their order, for how many entries: fair shares, as many as the bytes of a round allow. */
export function planRound(queues: readonly UnreadQueue[], sweepSize: number): PageRequest[] {
  const share = Math.min(sweepSize, Math.max(MIN_PAGE, Math.ceil(sweepSize / queues.length)));
  const requests: PageRequest[] = [];
  let bytes = 0;
  for (const { cursor, entryBytes } of queues) {
    const count = Math.min(share, Math.max(1, Math.floor(ROUND_BYTES / entryBytes)));
    bytes += count * entryBytes;
    if (requests.length > 0 && bytes > ROUND_BYTES) break;
    requests.push({ cursor, count });
  }
  return requests;
}

/** Follows a queue's entry size up at once and down by and by: large entries seldom come alone. */
function expectedBytes({ entries }: Page, before: number): number {
  const bytes = entries.reduce((sum, entry) => sum + entrySize(entry), 0);
  return entries.length === 0 ? before : Math.max(1, bytes / entries.length, before / 4);
}
