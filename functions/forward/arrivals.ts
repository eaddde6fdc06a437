import { idTime } from '../stream/id.ts';
import type { Page } from '../stream/position.ts';

/** What arrived in a queue, as a run saw it. */
export interface Arrival {
  /** Entries since the run began or since the queue was last read to its end, whichever were more: read or lost. */
  readonly most: number;
  /** Entries per millisecond in the densest stretch. */
  readonly rate: number;
  /** Redis trimmed entries that were not read. */
  readonly overran: boolean;
}

/** Follows what arrives in the queues of a run, from the pages that it reads. */
export interface Arrivals {
  add(page: Page): void;
  /** Entries that arrived and were not read, at the end of a run. */
  addUnread(queue: string, entries: number): void;
  /** Begins to count anew for a queue that was read to its end. */
  caughtUp(queue: string): void;
  /** By queue; those with nothing new are left out. */
  all(): ReadonlyMap<string, Arrival>;
}

interface Queue {
  current: number;
  most: number;
  overran: boolean;
  /** Entries by half a stretch of time. */
  readonly halves: Map<number, number>;
}

/** A burst is no rate: the entries of a shorter time than this, in milliseconds, count as those of this time. */
const SHORTEST_STRETCH = 1000;
/** The part of the interval over which a rate is taken. */
const STRETCHES = 6;

/** @param interval milliseconds from one run to the next */
export function createArrivals(interval: number): Arrivals {
  const queues = new Map<string, Queue>();
  const stretch = Math.max(SHORTEST_STRETCH, interval / STRETCHES);
  const half = stretch / 2;

  function at(name: string): Queue {
    const queue = queues.get(name) ?? { current: 0, most: 0, overran: false, halves: new Map() };
    queues.set(name, queue);
    return queue;
  }

  /** Entries older than an interval no longer show the pace of a queue. */
  function forgetOld({ halves }: Queue): void {
    const newest = Math.max(...halves.keys());
    for (const index of halves.keys()) if ((newest - index) * half > interval) halves.delete(index);
  }

  function rateOf({ halves }: Queue): number {
    const densest = [...halves].map(([index, entries]) => entries + (halves.get(index + 1) ?? 0));
    return Math.max(0, ...densest) / stretch;
  }

  return {
    add({ queue: name, entries, loss }) {
      const queue = at(name);
      queue.current += entries.length + (loss?.lost ?? 0);
      queue.overran ||= loss?.reason === 'trimmed';
      for (const { id } of entries) {
        const index = Math.floor(idTime(id) / half);
        queue.halves.set(index, (queue.halves.get(index) ?? 0) + 1);
      }
      forgetOld(queue);
    },
    addUnread(name, entries) {
      at(name).current += entries;
    },
    caughtUp(name) {
      const queue = queues.get(name);
      if (!queue) return;
      queue.most = Math.max(queue.most, queue.current);
      queue.current = 0;
    },
    all() {
      const arrived = [...queues].map(
        ([name, queue]) =>
          [name, { most: Math.max(queue.most, queue.current), rate: rateOf(queue), overran: queue.overran }] as const,
      );
      return new Map(arrived.filter(([, { most }]) => most > 0));
    },
  };
}
