import { entrySize } from './entry.ts';
import { createItemSize, type ItemSize, PORTION_BYTES } from './item-size.ts';
import { type Page, positionAfter } from './position.ts';
import type { Cursor, PageRequest, PageResult } from './read.ts';

/** A PutEvents request takes ten entries, so smaller pages are of no use. */
const MIN_PAGE = 10;

interface Queue {
  readonly cursor: Cursor;
  readonly size: ItemSize;
  /** Whether its ordinal was compared with the server's count since all queues were last made due. */
  readonly isCounted: boolean;
  /** Whether its next page must compare it. */
  readonly recount: boolean;
}

/** The order in which queues are read, and the position of each. */
export interface Agenda {
  /** The next requests: due queues in turn, as many as a reply has room for. Empty if no queue is due. */
  plan(): readonly PageRequest[];
  /** Moves the positions of the queues of a plan; a queue with more entries stays due, behind the others. */
  settle(plan: readonly PageRequest[], results: readonly PageResult[]): void;
  /** Reduces the size of the next plans, because the entries of this one were too large. */
  exceeded(plan: readonly PageRequest[]): void;
  /** Makes queues due that were read to their end. */
  makeDue(queues: Iterable<string>): void;
  /** Makes all queues due, and compares the ordinals of queues with new entries with the server's count again. */
  makeAllDue(): void;
  isDue(queue: string): boolean;
  /** Queues that may have unread entries, each where its next page begins. */
  due(): readonly Cursor[];
  /** Queues that were read to their end, each where it continues. */
  idle(): readonly Cursor[];
}

/**
 * Creates the reading order: queues take turns, so that a busy queue cannot starve the others.
 *
 * A plan has a budget of bytes. The size of a queue's last entries turns it into a number of entries.
 * @param sweepSize entries of a plan, shared equally
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
    // The next page is behind all entries that an earlier run may have published, so it is no longer doubtful.
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
    makeDue(queues) {
      for (const name of queues) {
        const queue = idle.get(name);
        if (queue && idle.delete(name)) due.set(name, queue);
      }
    },
    makeAllDue() {
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
