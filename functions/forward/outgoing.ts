import type { AnyEntry } from '../event/bus-entry.ts';
import { eventName } from '../event/decode.ts';
import { busEntriesOf, lossEntry, type Origin } from '../event/envelope.ts';
import type { JobPart } from '../event/job.ts';
import type { Omission } from '../event/omit.ts';
import type { Entry } from '../stream/entry.ts';
import { idTime } from '../stream/id.ts';
import { type Loss, type Position, positionAfter } from '../stream/position.ts';
import { createEventTally, type EventCounts } from './event-counts.ts';
import type { Sweep } from './sweep.ts';

/** A bus entry, with its queue. */
interface OutgoingEntry {
  readonly entry: AnyEntry;
  readonly queue: string;
  /** The time of its stream entry in milliseconds; absent for bullbridge's own events. */
  readonly time?: number;
}

/** Entries of a queue that can no longer be read. */
export interface QueueLoss extends Loss {
  readonly queue: string;
}

/** The bus entries of a sweep, and the stream entries that are filtered out. */
export interface Outgoing {
  readonly items: readonly OutgoingEntry[];
  readonly filtered: readonly { readonly queue: string; readonly entries: number }[];
  /** The numbers of those events that are counted for metrics. */
  readonly counted: EventCounts;
  readonly losses: readonly QueueLoss[];
  /** The position of each queue once all entries are settled. */
  readonly positions: ReadonlyMap<string, Position>;
}

export interface OutgoingOptions {
  readonly sourceName: string;
  readonly prefix: string;
  readonly passes: (event: string | undefined) => boolean;
  /** @default none */
  readonly counted?: ReadonlySet<string> | undefined;
  /** When losses were found. */
  readonly detectedAt: Date;
  /** Fields that must not leave Redis. @default none */
  readonly omit?: Omission | undefined;
  /** The fields of the job that an event carries. @default none */
  readonly jobOf?: (entry: Entry) => JobPart | undefined;
}

/**
 * Turns a sweep into bus entries: for each page, `Events Lost` if there was a loss, then the events that pass the
 * filter.
 */
export function toOutgoing(
  sweep: Sweep,
  { sourceName, prefix, passes, counted: wanted, detectedAt, omit, jobOf }: OutgoingOptions,
): Outgoing {
  const items: OutgoingEntry[] = [];
  const tally = createEventTally();
  const filtered = sweep.map(({ queue, start, loss, entries }) => {
    const origin: Origin = { sourceName, prefix, queue };
    const toBusEntry = busEntriesOf(origin);
    if (loss) items.push({ entry: lossEntry(origin, loss, detectedAt), queue });
    const before = items.length;
    entries.forEach((entry, i) => {
      const { fields } = entry;
      const event = eventName(fields);
      if (event !== undefined && wanted?.has(event)) tally.add(queue, event, 1);
      if (!passes(event)) return;
      const sequence = start.ordinal === undefined ? undefined : start.ordinal + i + 1;
      const amendments = { omit, job: jobOf?.(entry) };
      const { id } = entry;
      items.push({ entry: toBusEntry({ id, fields }, sequence, amendments), queue, time: idTime(id) });
    });
    return { queue, entries: entries.length - (items.length - before) };
  });
  const losses = sweep.flatMap(({ queue, loss }) => (loss ? { queue, ...loss } : []));
  const positions = new Map(sweep.map((page) => [page.queue, positionAfter(page, page.entries.length)]));
  return { items, filtered, counted: tally.counts, losses, positions };
}
