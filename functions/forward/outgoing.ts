import { eventName } from '../event/decode.ts';
import type { AnyEntry } from '../event/entry.ts';
import { lossEntry, type Origin, toBusEntry } from '../event/envelope.ts';
import type { JobPart } from '../event/job.ts';
import type { Omission } from '../event/omit.ts';
import type { Entry } from '../stream/entry.ts';
import { idTime } from '../stream/id.ts';
import { type Loss, type Position, positionAfter } from '../stream/position.ts';
import { createEventTally, type EventCounts } from './event-counts.ts';
import type { Sweep } from './sweep.ts';

/** An entry on its way to the bus. */
interface Item {
  readonly entry: AnyEntry;
  readonly queue: string;
  /** The time of its stream entry in milliseconds; absent for bullbridge's own news. */
  readonly time?: number;
}

/** Entries of a queue that can no longer be read. */
export interface QueueLoss extends Loss {
  readonly queue: string;
}

/** What a sweep puts on the bus, and what it leaves out. */
export interface Outgoing {
  readonly items: readonly Item[];
  readonly filtered: readonly { readonly queue: string; readonly entries: number }[];
  /** Of the events that are counted. */
  readonly counted: EventCounts;
  readonly losses: readonly QueueLoss[];
  /** Where each queue stands once all entries are settled. */
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
  /** What must not leave Redis. @default nothing */
  readonly omit?: Omission | undefined;
  /** What an event tells of its job. @default nothing */
  readonly jobOf?: (entry: Entry) => JobPart | undefined;
}

/**
 * Turns a sweep into entries for the bus: news of what was lost in front of a page, then the events that pass the
 * filter.
 */
export function toOutgoing(
  sweep: Sweep,
  { sourceName, prefix, passes, counted: wanted, detectedAt, omit, jobOf }: OutgoingOptions,
): Outgoing {
  const items: Item[] = [];
  const tally = createEventTally();
  const filtered = sweep.map(({ queue, start, loss, entries }) => {
    const origin: Origin = { sourceName, prefix, queue };
    if (loss) items.push({ entry: lossEntry(origin, loss, detectedAt), queue });
    const before = items.length;
    entries.forEach((entry, i) => {
      const event = eventName(entry.fields);
      if (event !== undefined && wanted?.has(event)) tally.add(queue, event, 1);
      if (!passes(event)) return;
      const sequence = start.ordinal === undefined ? undefined : start.ordinal + i + 1;
      const amendments = { omit, job: jobOf?.(entry) };
      items.push({ entry: toBusEntry(origin, entry, sequence, amendments), queue, time: idTime(entry.id) });
    });
    return { queue, entries: entries.length - (items.length - before) };
  });
  const losses = sweep.flatMap(({ queue, loss }) => (loss ? { queue, ...loss } : []));
  const positions = new Map(sweep.map((page) => [page.queue, positionAfter(page, page.entries.length)]));
  return { items, filtered, counted: tally.counts, losses, positions };
}
