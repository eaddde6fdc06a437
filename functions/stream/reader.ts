import type { RedisError } from '../errors.ts';
import { entryTooLargeError } from '../redis/error.ts';
import { HEAD_BYTES, type RedisConnection, type ReplyLimits, ReplyTooLargeError } from '../redis/port.ts';
import { createAgenda } from './agenda.ts';
import { MAX_REPLY_BYTES } from './item-size.ts';
import { queuesWithNewEntries } from './new-entries.ts';
import type { Page } from './position.ts';
import { type Cursor, type PageRequest, type PageResult, type ReadOptions, readPages } from './read.ts';

/** Milliseconds after which caught-up queues are checked for new entries again, whatever else is read meanwhile. */
const CHECK_AFTER = 1000;
/** Milliseconds after which all queues are read again, to notice a reset or a roll-back to ids below the position. */
const ALL_AFTER = 3 * 60_000;
/** Bytes that are kept of each value of an entry that is too large for memory. */
const SMALL_VALUE_BYTES = 64 * 1024;

export interface ReaderOptions extends ReadOptions {
  /** Bytes of the largest entry that fits into memory. */
  readonly maxEntryBytes: number;
  /** Entries of a plan. */
  readonly sweepSize: number;
  readonly now: () => Date;
  /** When all queues were last read, in milliseconds since the epoch. @default never, so all are read first */
  readonly allReadAt?: number | undefined;
}

/** Reads the streams of many queues. */
export interface StreamReader {
  /** The next pages, at most one of each queue; none if no queue is due. */
  next(): Promise<Page[]>;
  /** Makes queues due that have new entries. */
  makeDue(queues: readonly string[]): void;
  isDue(queue: string): boolean;
  /** Queues that may have unread entries, each where its next page begins. */
  due(): readonly Cursor[];
  /** Queues that were read to their end, each where it continues. */
  idle(): readonly Cursor[];
  /** The errors of queues that Redis refuses to read; they are not read again. */
  readonly failures: ReadonlyMap<string, RedisError>;
  readonly allReadAt: number;
}

/**
 * Creates a reader of queues, which decides what is read next.
 *
 * A queue is due while it has unread entries (queues take turns, so that none starves) and when it is made due. A queue
 * that was read to its end is checked for new entries after a second. Entries can have megabytes, and Redis cannot
 * limit a range by bytes, so a reply that grows too large is given up and requested again in smaller pages. The long
 * values of a single entry that is too large for memory are cut.
 */
export function createStreamReader(
  redis: RedisConnection,
  cursors: readonly Cursor[],
  { prefix, maxEntryBytes, sweepSize, now, allReadAt = 0 }: ReaderOptions,
): StreamReader {
  const failures = new Map<string, RedisError>();
  const agenda = createAgenda(cursors, sweepSize);
  let allAt = allReadAt;
  let checkedAt = 0;

  async function look(): Promise<void> {
    const time = now().getTime();
    if (time - checkedAt < CHECK_AFTER) return;
    checkedAt = time;
    if (time - allAt < ALL_AFTER) return agenda.makeDue(await queuesWithNewEntries(redis, agenda.idle(), prefix));
    allAt = time;
    agenda.makeAllDue();
  }

  /** @returns `undefined` if the replies were too large */
  async function read(plan: readonly PageRequest[], limits: ReplyLimits): Promise<PageResult[] | undefined> {
    try {
      return await readPages(redis, plan, { prefix, limits });
    } catch (error) {
      if (error instanceof ReplyTooLargeError) return undefined;
      throw error;
    }
  }

  /** Reads one entry, whatever its size. */
  async function readAlone(request: PageRequest): Promise<PageResult[]> {
    // The reply also has the entry of the position, or the next entry, and the first entry of the stream.
    const maxBytes = 3 * maxEntryBytes;
    for (const maxValueBytes of [maxEntryBytes, SMALL_VALUE_BYTES, HEAD_BYTES]) {
      const results = await read([request], { maxBytes, maxValueBytes });
      if (results) return results;
    }
    const { queue } = request.cursor;
    return [{ queue, error: entryTooLargeError(queue, maxBytes) }];
  }

  return {
    async next() {
      await look();
      for (let plan = agenda.plan(); plan.length > 0; plan = agenda.plan()) {
        const [first] = plan;
        const isAlone = first && plan.length === 1 && first.count === 1;
        const results = await (isAlone ? readAlone(first) : read(plan, { maxBytes: MAX_REPLY_BYTES }));
        if (results) {
          agenda.settle(plan, results);
          for (const result of results) if ('error' in result) failures.set(result.queue, result.error);
          return results.flatMap((result) => ('page' in result ? result.page : []));
        }
        agenda.exceeded(plan);
      }
      return [];
    },
    makeDue: agenda.makeDue,
    isDue: agenda.isDue,
    due: agenda.due,
    idle: agenda.idle,
    failures,
    get allReadAt() {
      return allAt;
    },
  };
}
