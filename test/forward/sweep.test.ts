import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { type Sweep, type SweepBudget, takeSweep } from '../../functions/forward/sweep.ts';
import { entrySize } from '../../functions/stream/entry.ts';
import { beginning, type Page, type Position, positionAfter } from '../../functions/stream/position.ts';

const budgets = fc.record({ entries: fc.integer({ min: 1, max: 20 }), bytes: fc.integer({ min: 1, max: 200 }) });

/** Pages of a few queues with entries of up to 70 bytes, those of one queue in a row, some of them behind a loss. */
const pages = fc
  .array(fc.record({ queue: fc.constantFrom('a', 'b', 'c'), entries: fc.nat(12), lost: fc.nat(2) }), { maxLength: 12 })
  .map((shapes) => {
    const ends = new Map<string, Position>();
    return shapes.map(({ queue, entries, lost }): Page => {
      const from = ends.get(queue) ?? beginning(0);
      const before = (from.ordinal ?? 0) + lost;
      const page = {
        queue,
        from,
        start: { ...from, ordinal: before },
        entries: Array.from({ length: entries }, (_, n) => ({
          id: `${before + n + 1}-0`,
          fields: [Buffer.alloc((7 * n) % 71)],
        })),
        ...(lost > 0 && {
          loss: { reason: 'trimmed' as const, lost, exact: true, afterId: from.id, beforeId: `${before + 1}-0` },
        }),
      };
      ends.set(queue, positionAfter(page, entries));
      return page;
    });
  });

function sweepsOf(all: readonly Page[], budget: SweepBudget): Sweep[] {
  const sweeps: Sweep[] = [];
  for (let rest = all; rest.length > 0; ) {
    const taken = takeSweep(rest, budget);
    sweeps.push(taken.sweep);
    rest = taken.rest;
  }
  return sweeps;
}

const idsOf = (all: readonly Page[], queue: string) =>
  all.filter((page) => page.queue === queue).flatMap(({ entries }) => entries.map(({ id }) => id));
const lossesOf = (all: readonly Page[]) => all.flatMap(({ loss }) => loss ?? []);

describe('sweeps', () => {
  test.prop([pages, budgets])('stay within their budget, and have all entries and losses in order', (all, budget) => {
    const sweeps = sweepsOf(all, budget);

    for (const sweep of sweeps) {
      const entries = sweep.flatMap((page) => page.entries);
      expect(entries.length).toBeLessThanOrEqual(budget.entries);
      const bytes = entries.reduce((sum, entry) => sum + entrySize(entry), 0);
      expect(entries.length === 1 || bytes <= budget.bytes).toBe(true);
    }
    for (const queue of ['a', 'b', 'c']) expect(idsOf(sweeps.flat(), queue)).toEqual(idsOf(all, queue));
    expect(lossesOf(sweeps.flat())).toEqual(lossesOf(all));
  });

  test.prop([pages, budgets])('begin, for each queue, exactly where the previous sweep ended', (all, budget) => {
    for (const queue of ['a', 'b', 'c']) {
      let position = all.find((page) => page.queue === queue)?.from;
      for (const page of sweepsOf(all, budget).flat()) {
        if (page.queue !== queue) continue;
        expect(page.from).toEqual(position);
        position = positionAfter(page, page.entries.length);
      }
    }
  });
});
