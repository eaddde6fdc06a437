import type { Settlement } from '../bus/publish.ts';
import { eventName } from '../event/decode.ts';
import type { BusEntry } from '../event/entry.ts';
import { lossEntry, type Origin, toBusEntry } from '../event/envelope.ts';
import type { JobPart } from '../event/job.ts';
import type { Omission } from '../event/omit.ts';
import { idTime } from '../stream/id.ts';
import {
  beginning,
  type Entry,
  entrySize,
  type Loss,
  type Page,
  type Position,
  positionAfter,
  samePosition,
} from '../stream/position.ts';
import type { StreamReader } from '../stream/reader.ts';

/** Pages that are published and saved together; those of one queue are in order. */
export type Sweep = readonly Page[];

/** The sweeps of a run, one after the other. */
export interface Sweeps {
  /** The next sweep; `undefined` when every queue is caught up. */
  next(): Promise<Sweep | undefined>;
  /** Takes back the end of the last sweep, which is then the beginning of the next one. */
  putBack(rest: Sweep): void;
  /** Whether every queue was read to its end and every page was swept. */
  caughtUp(): boolean;
  /** Entries of each queue that came since the run before: swept or lost. */
  arrived(): ReadonlyMap<string, number>;
  /** What is left, to be asked for at the end of a run. */
  backlog(): Promise<Backlog>;
}

/** What a run leaves behind. */
interface Backlog {
  /** Entries that were not swept, `undefined` where that cannot be counted. */
  readonly entries: number | undefined;
  /**
   * Entries of each queue that came since the run before, or since all were caught up, whichever were more: swept, lost or
   * not read yet. Those that cannot be counted are left out.
   */
  readonly arrived: ReadonlyMap<string, number>;
}

/** How much a sweep may have; an entry alone may be larger. */
export interface SweepBudget {
  readonly entries: number;
  readonly bytes: number;
}

/** Groups what a reader reads into sweeps; pages beyond a sweep wait for the next one, and are not read again. */
export function createSweeps(reader: StreamReader, budget: SweepBudget): Sweeps {
  let waiting: Page[] = [];
  let read = new Map<string, number>();
  let most = new Map<string, number>();
  return {
    async next() {
      for (;;) {
        const { sweep, rest, isFull } = takeSweep(waiting, budget);
        if (isFull || reader.unread().length === 0) {
          waiting = rest;
          if (sweep.length > 0) return sweep;
          most = larger(most, read);
          read = new Map();
          return undefined;
        }
        const pages = (await reader.next()).filter(hasMoved);
        for (const { queue, entries, loss } of pages) add(read, queue, entries.length + (loss?.lost ?? 0));
        waiting.push(...pages);
      }
    },
    putBack(rest) {
      waiting = [...rest, ...waiting];
    },
    caughtUp: () => waiting.length === 0 && reader.unread().length === 0,
    arrived: () => larger(most, read),
    backlog: async () => {
      const unread = await reader.countUnread();
      const arrived = new Map(read);
      for (const { queue, entries, exact } of unread ?? []) if (exact) add(arrived, queue, entries);
      return {
        entries: unread?.reduce((sum, { entries }) => sum + entries, sizeOf(waiting)),
        arrived: larger(most, arrived),
      };
    },
  };
}

/** How many entries a sweep has. */
export function sizeOf(sweep: Sweep): number {
  return sweep.reduce((sum, { entries }) => sum + entries.length, 0);
}

function larger(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): Map<string, number> {
  const sums = new Map(a);
  for (const [queue, entries] of b) sums.set(queue, Math.max(entries, sums.get(queue) ?? 0));
  return sums;
}

function add(sums: Map<string, number>, queue: string, entries: number): void {
  sums.set(queue, (sums.get(queue) ?? 0) + entries);
}

/** An idle queue leaves nothing to save. */
function hasMoved({ from = beginning(0), start, entries, loss }: Page): boolean {
  return entries.length > 0 || loss !== undefined || !samePosition(from, start);
}

interface Taken {
  readonly sweep: Sweep;
  readonly rest: Page[];
  readonly isFull: boolean;
}

/** Takes a sweep from the front of pages; the last page is cut where it does not fit. */
export function takeSweep(pages: readonly Page[], budget: SweepBudget): Taken {
  const sweep: Page[] = [];
  let entries = 0;
  let bytes = 0;
  for (const [i, page] of pages.entries()) {
    let count = 0;
    for (const entry of page.entries) {
      const size = entrySize(entry);
      if (entries > 0 && (entries === budget.entries || bytes + size > budget.bytes)) break;
      count += 1;
      entries += 1;
      bytes += size;
    }
    if (count < page.entries.length) {
      const [head, tail] = cutPage(page, count);
      if (count > 0) sweep.push(head);
      return { sweep, rest: [count > 0 ? tail : page, ...pages.slice(i + 1)], isFull: true };
    }
    sweep.push(page);
  }
  return { sweep, rest: [], isFull: entries >= budget.entries };
}

function cutPage(page: Page, count: number): [Page, Page] {
  const head = { ...page, entries: page.entries.slice(0, count) };
  const start = positionAfter(head, count);
  return [head, { queue: page.queue, from: start, start, entries: page.entries.slice(count) }];
}

/** Counts of a queue in a run; events of the stream only. */
export interface Counts {
  published: number;
  filtered: number;
  parked: number;
  lost: number;
}

/** An entry on its way to the bus. */
interface Item {
  readonly entry: BusEntry;
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
  readonly losses: readonly QueueLoss[];
  /** Where each queue stands once all entries are settled. */
  readonly positions: ReadonlyMap<string, Position>;
}

export interface OutgoingOptions {
  readonly sourceName: string;
  readonly prefix: string;
  readonly passes: (event: string | undefined) => boolean;
  /** When losses were found. */
  readonly detectedAt: Date;
  /** What must not leave Redis. @default nothing */
  readonly omit?: Omission | undefined;
  /** What an event tells of its job. @default nothing */
  readonly jobOf?: (entry: Entry) => JobPart | undefined;
}

/** Turns a sweep into entries for the bus: news of what was lost in front of a page, then the events that pass the filter. */
export function toOutgoing(
  sweep: Sweep,
  { sourceName, prefix, passes, detectedAt, omit, jobOf }: OutgoingOptions,
): Outgoing {
  const items: Item[] = [];
  const filtered = sweep.map(({ queue, start, loss, entries }) => {
    const origin: Origin = { sourceName, prefix, queue };
    if (loss) items.push({ entry: lossEntry(origin, loss, detectedAt), queue });
    const before = items.length;
    entries.forEach((entry, i) => {
      if (!passes(eventName(entry.fields))) return;
      const sequence = start.ordinal === undefined ? undefined : start.ordinal + i + 1;
      const amendments = { omit, job: jobOf?.(entry) };
      items.push({ entry: toBusEntry(origin, entry, sequence, amendments), queue, time: idTime(entry.id) });
    });
    return { queue, entries: entries.length - (items.length - before) };
  });
  const losses = sweep.flatMap(({ queue, loss }) => (loss ? { queue, ...loss } : []));
  const positions = new Map(sweep.map((page) => [page.queue, positionAfter(page, page.entries.length)]));
  return { items, filtered, losses, positions };
}

/** What a run has done with its queues so far. */
export interface Tally {
  readonly counts: Map<string, Counts>;
  /** The time of the newest published entry in milliseconds; 0 before there is one. */
  newest: number;
  /** Losses that were told of, whatever their number of entries. */
  incidents: number;
}

/** Adds a settled sweep to the counts. */
export function count(tally: Tally, { items, filtered, losses }: Outgoing, settlements: readonly Settlement[]): void {
  const countsOf = (queue: string) => {
    const counts = tally.counts.get(queue) ?? { published: 0, filtered: 0, parked: 0, lost: 0 };
    tally.counts.set(queue, counts);
    return counts;
  };
  for (const { queue, entries } of filtered) countsOf(queue).filtered += entries;
  for (const { queue, lost } of losses) countsOf(queue).lost += lost;
  items.forEach(({ queue, time }, i) => {
    const settlement = settlements[i];
    if (time === undefined) tally.incidents += 1;
    if (time === undefined || !settlement) return;
    countsOf(queue)[settlement] += 1;
    if (settlement === 'published') tally.newest = Math.max(tally.newest, time);
  });
}

/** The counts of all queues together. */
export function total({ counts }: Tally): Counts {
  const sum = { published: 0, filtered: 0, parked: 0, lost: 0 };
  for (const one of counts.values()) {
    sum.published += one.published;
    sum.filtered += one.filtered;
    sum.parked += one.parked;
    sum.lost += one.lost;
  }
  return sum;
}
