import { idTime } from '../stream/id.ts';
import type { Page } from '../stream/position.ts';

/** The stream entries that arrived in a queue during a run. */
export interface Arrival {
  /**
   * The most entries that were waiting at one time, read or lost: since the run began, or since the queue was last read
   * to its end.
   */
  readonly most: number;
  /** Entries per millisecond in the busiest stretch of time. */
  readonly rate: number;
  /** Whether Redis trimmed entries that were not read. */
  readonly overran: boolean;
}

/** Counts the stream entries that arrive in the queues of a run, from the pages that it reads. */
export interface Arrivals {
  add(page: Page): void;
  /** Adds entries that are unread at the end of a run. */
  addUnread(queue: string, entries: number): void;
  /** Restarts the count of a queue that was read to its end. */
  caughtUp(queue: string): void;
  /** By queue, without queues that received no entry. */
  all(): ReadonlyMap<string, Arrival>;
}

interface Queue {
  current: number;
  most: number;
  overran: boolean;
  /** Entries by half a stretch of time. */
  readonly halves: Map<number, number>;
}

/** Shortest time over which a rate is measured, in milliseconds: a short burst must not look like a high rate. */
const SHORTEST_STRETCH = 1000;
/** Stretches of an interval; a rate is measured over one of them. */
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

  /** Entries older than an interval do not show the current rate. */
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
