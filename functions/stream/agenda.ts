import { entrySize } from './entry.ts';
import { createItemSize, type ItemSize, PORTION_BYTES } from './item-size.ts';
import { type Page, positionAfter } from './position.ts';
import type { Cursor, PageRequest, PageResult } from './read.ts';

/** Smaller pages would save nothing: a PutEvents request takes ten entries. */
const MIN_PAGE = 10;

interface Queue {
  readonly cursor: Cursor;
  readonly size: ItemSize;
  /** Whether its ordinal was held against the server's count since the last look at all queues. */
  readonly isCounted: boolean;
  /** Whether its next page does that. */
  readonly recount: boolean;
}

/** Which queues are read next, and where each of them is. */
export interface Agenda {
  /** The next requests: of due queues in turn, as many as a reply has room for. None where no queue is due. */
  plan(): readonly PageRequest[];
  /** Moves the queues of a plan on; one that has more stays due, behind the others. */
  settle(plan: readonly PageRequest[], results: readonly PageResult[]): void;
  /** The entries of a plan were too large together; it is made anew with fewer. */
  exceeded(plan: readonly PageRequest[]): void;
  /** Makes queues due that were read to their end. */
  ring(queues: Iterable<string>): void;
  /** Makes all queues due, and holds the ordinals of those that have news against the server's count again. */
  ringAll(): void;
  isDue(queue: string): boolean;
  /** Queues that may have unread entries, each where its next page begins. */
  due(): readonly Cursor[];
  /** Queues that were read to their end, each where it continues. */
  idle(): readonly Cursor[];
}

/**
 * Keeps the order in which queues are read: in turn, so that a busy one cannot starve the others.
 *
 * A plan has a budget of bytes, which turns into a number of entries by the size that a queue's last entries had.
 * @param sweepSize entries of a plan, in fair shares
 */
export function createAgenda(cursors: readonly Cursor[], sweepSize: number): Agenda {
  const due = new Map<string, Queue>();
  const idle = new Map<string, Queue>();
  for (const cursor of cursors) {
    const { queue, isKnown = false } = cursor;
    (isKnown ? idle : due).set(queue, { cursor, size: createItemSize(), isCounted: isKnown, recount: false });
  }

  function settleOne({ cursor: { queue }, recount }: PageRequest, result: PageResult): void {
    const before = due.get(queue);
    due.delete(queue);
    if ('error' in result || !before) return;
    const { page, more } = result;
    before.size.learn(page.entries.length, bytesOf(page));
    // Whatever a run before this one may have published stands in front of this page.
    const { anchors } = before.cursor;
    const cursor = { queue, anchors, position: positionAfter(page, page.entries.length) };
    const isCounted = before.isCounted || (recount && !more);
    const isUncounted = !more && !isCounted && page.entries.length > 0;
    (more || isUncounted ? due : idle).set(queue, { ...before, cursor, isCounted, recount: isUncounted });
  }

  return {
    plan() {
      const share = Math.min(sweepSize, Math.max(MIN_PAGE, Math.ceil(sweepSize / due.size)));
      const requests: PageRequest[] = [];
      let bytes = 0;
      for (const { cursor, size, recount } of due.values()) {
        const count = Math.min(share, Math.max(1, Math.floor(PORTION_BYTES / size.bytes)));
        bytes += count * size.bytes;
        if (requests.length > 0 && bytes > PORTION_BYTES) break;
        requests.push({ cursor, count, recount });
      }
      return requests;
    },
    settle(requests, results) {
      for (const [i, request] of requests.entries()) settleOne(request, results[i] as PageResult);
    },
    exceeded(requests) {
      const entries = requests.reduce((sum, { count }) => sum + count, 0);
      for (const { cursor } of requests) due.get(cursor.queue)?.size.exceeded(entries);
    },
    ring(queues) {
      for (const name of queues) {
        const queue = idle.get(name);
        if (queue && idle.delete(name)) due.set(name, queue);
      }
    },
    ringAll() {
      for (const [name, queue] of idle) due.set(name, { ...queue, isCounted: false });
      idle.clear();
    },
    isDue: (queue) => due.has(queue),
    due: () => Array.from(due.values(), ({ cursor }) => cursor),
    idle: () => Array.from(idle.values(), ({ cursor }) => cursor),
  };
}

function bytesOf({ entries }: Page): number {
  return entries.reduce((sum, entry) => sum + entrySize(entry), 0);
}
