import { entrySize } from '../stream/entry.ts';
import { type Page, positionAfter } from '../stream/position.ts';

/** Pages that are published and saved together; the pages of one queue are in order. */
export type Sweep = readonly Page[];

/** The limits of a sweep; a single entry may be larger. */
export interface SweepBudget {
  readonly entries: number;
  readonly bytes: number;
}

/** The number of entries in a sweep. */
export function sizeOf(sweep: Sweep): number {
  return sweep.reduce((sum, { entries }) => sum + entries.length, 0);
}

interface Taken {
  readonly sweep: Sweep;
  readonly rest: Page[];
  readonly isFull: boolean;
}

/** Takes a sweep from the front of pages; the last page is cut if it does not fit. */
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
