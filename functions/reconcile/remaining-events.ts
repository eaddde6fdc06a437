import type { Gap } from '../checkpoint/ledger.ts';
import { eventName, jobIdOf } from '../event/decode.ts';
import { redisError } from '../redis/error.ts';
import type { RedisConnection } from '../redis/port.ts';
import { type Entry, entrySize, toEntries, type Value } from '../stream/entry.ts';
import { eventsKey } from '../stream/keys.ts';
import { createPortions } from '../stream/portions.ts';
import type { Member } from './members.ts';
import { OUTCOMES, type Outcome } from './place.ts';

const PAGE = 1000;
/** Longer values are cut; names of events and ids of jobs are shorter. */
const MAX_VALUE_BYTES = 4096;
/** Bytes of the job ids that are kept; the events of further jobs may come as duplicates. */
const MAX_BYTES = 32 * 1024 * 1024;
/** Bytes of an id in a `Set` in addition to its characters. */
const ID_BYTES = 64;

/** The events that are still in the stream behind a gap. They are not lost, whenever their jobs finished. */
export interface RemainingEvents {
  /** Leaves out members whose events are still in the stream. */
  without(outcome: Outcome, members: readonly Member[]): Promise<readonly Member[]>;
}

/**
 * Creates a look-up of the events behind a gap, from the first entry after it to the end of the stream.
 *
 * A worker that lost its connection reports the end of a job again, so an event can be much later than the end of its
 * job. A job is added to its set at the same time as its event to the stream, so the rest of the stream is read after
 * each page of the set. Events that were trimmed meanwhile are not found.
 */
export function createRemainingEvents(
  redis: RedisConnection,
  prefix: string,
  { queue, afterId, beforeId }: Gap,
): RemainingEvents {
  const key = eventsKey(prefix, queue);
  const portions = createPortions();
  const ids = { completed: new Set<string>(), failed: new Set<string>() } as const satisfies Record<
    Outcome,
    Set<string>
  >;
  let from = beforeId ?? afterId;
  let bytes = 0;

  /**
   * Reads to the current end of the stream. It reads the last entry again, because servers before Redis 6.2 know no
   * exclusive ranges.
   */
  async function readOn(): Promise<void> {
    for (let isFull = true; isFull && bytes <= MAX_BYTES; ) {
      const { entries, count } = await portions.read(PAGE, (most, maxBytes) =>
        readEntries(redis, key, from, most + 1, maxBytes),
      );
      for (const { fields } of entries) keep(fields);
      isFull = entries.length > count;
      from = entries.at(-1)?.id ?? from;
    }
  }

  function keep(fields: readonly Value[]): void {
    const event = eventName(fields);
    const outcome = OUTCOMES.find((name) => name === event);
    // A character for each byte, so that ids that are not UTF-8 stay different.
    const id = outcome && jobIdOf(fields)?.toString('latin1');
    if (!outcome || id === undefined || ids[outcome].has(id)) return;
    ids[outcome].add(id);
    bytes += id.length + ID_BYTES;
  }

  return {
    async without(outcome, members) {
      await readOn();
      return members.filter(({ id }) => !ids[outcome].has(id.toString('latin1')));
    },
  };
}

async function readEntries(
  redis: RedisConnection,
  key: string,
  from: string,
  count: number,
  maxBytes: number | undefined,
): Promise<{ readonly entries: Entry[]; readonly bytes: number }> {
  const limits = { maxBytes, maxValueBytes: MAX_VALUE_BYTES };
  const [reply] = await redis.send([['xrangeBuffer', key, from, '+', 'COUNT', count]], limits);
  if (reply instanceof Error) throw redisError(reply, redis.target, `reading ${key}`);
  const entries = toEntries(reply);
  return { entries, bytes: entries.reduce((sum, entry) => sum + entrySize(entry), 0) };
}
