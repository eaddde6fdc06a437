import type { RedisError } from '../errors.ts';
import { type Page, samePosition } from '../stream/position.ts';
import type { StreamReader } from '../stream/reader.ts';
import type { Arrivals } from './arrivals.ts';
import { type Sweep, type SweepBudget, sizeOf, takeSweep } from './sweep.ts';

/** The sweeps of a run, one after the other. */
export interface Source {
  /** The next sweep; `undefined` when no queue is due. */
  next(): Promise<Sweep | undefined>;
  /** Takes back the end of the last sweep; it becomes the beginning of the next one. */
  putBack(rest: Sweep): void;
  /** Whether every queue was read to its end and every page was swept. */
  isCaughtUp(): boolean;
  /** Number of entries that were read but are in no sweep yet. */
  waiting(): number;
  /** The errors of queues that could not be read. */
  readonly failures: ReadonlyMap<string, RedisError>;
}

/** Groups the pages of a reader into sweeps; pages that do not fit wait for the next sweep and are not read again. */
export function createSource(reader: StreamReader, arrivals: Arrivals, budget: SweepBudget): Source {
  let waiting: Page[] = [];

  async function read(): Promise<boolean> {
    const pages = await reader.next();
    for (const page of pages) {
      arrivals.add(page);
      if (!reader.isDue(page.queue)) arrivals.caughtUp(page.queue);
    }
    waiting.push(...pages.filter(hasMoved));
    return pages.length > 0;
  }

  return {
    async next() {
      for (;;) {
        const { sweep, rest, isFull } = takeSweep(waiting, budget);
        if (!isFull && (await read())) continue;
        waiting = rest;
        return sweep.length > 0 ? sweep : undefined;
      }
    },
    putBack(rest) {
      waiting = [...rest, ...waiting];
    },
    isCaughtUp: () => waiting.length === 0 && reader.due().length === 0,
    waiting: () => sizeOf(waiting),
    failures: reader.failures,
  };
}

/** Whether a page has entries, a loss or a moved position; the page of an idle queue has nothing to save. */
function hasMoved({ from, start, entries, loss }: Page): boolean {
  return entries.length > 0 || loss !== undefined || !samePosition(from, start);
}
