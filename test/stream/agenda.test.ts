import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { createAgenda } from '../../functions/stream/agenda.ts';
import { beginning, type Page } from '../../functions/stream/position.ts';
import type { Cursor, PageRequest, PageResult } from '../../functions/stream/read.ts';

const MIB = 1024 * 1024;

const cursorOf = (queue: string, isKnown = false): Cursor => ({ queue, position: beginning(0), anchors: [], isKnown });
const namesOf = (cursors: readonly Cursor[]) => cursors.map(({ queue }) => queue);
const asked = (plan: readonly PageRequest[]) => plan.map(({ cursor, count }) => [cursor.queue, count]);

/** A page with entries of so many bytes. */
function pageOf({ cursor: { queue, position } }: PageRequest, sizes: readonly number[], more: boolean): PageResult {
  const entries = sizes.map((bytes, n) => ({ id: `${n + 1}-0`, fields: [Buffer.alloc(bytes)] }));
  return { page: { queue, from: position, start: position, entries } satisfies Page, more };
}

describe('a plan', () => {
  const queues = fc.array(fc.integer({ min: 1, max: 4 * MIB }), { minLength: 1, maxLength: 3000 });

  test.prop([queues, fc.integer({ min: 1, max: 10_000 })])(
    'reads the same number of entries from each queue, and no more than its bytes allow',
    (sizes, sweepSize) => {
      const agenda = createAgenda(
        sizes.map((_, n) => cursorOf(`${n}`)),
        sweepSize,
      );
      // Each queue shows the size of its entries once.
      for (let shown = 0; shown < sizes.length; ) {
        const plan = agenda.plan();
        agenda.settle(
          plan,
          plan.map((request) => pageOf(request, [sizes[Number(request.cursor.queue)] ?? 0], true)),
        );
        shown += plan.length;
      }

      const plan = agenda.plan();

      expect(plan.length).toBeGreaterThan(0);
      const bytes = plan.reduce((sum, { cursor, count }) => sum + count * (sizes[Number(cursor.queue)] ?? 0), 0);
      expect(plan.length === 1 || bytes <= 8 * MIB).toBe(true);
      for (const { count } of plan) {
        expect(count).toBeLessThanOrEqual(Math.max(10, Math.ceil(sweepSize / sizes.length)));
        expect(count).toBeGreaterThanOrEqual(1);
      }
    },
  );

  test('takes queues in turn: a queue with more entries comes behind the others', () => {
    const agenda = createAgenda(
      ['a', 'b', 'c'].map((queue) => cursorOf(queue)),
      2,
    );
    const first = agenda.plan().slice(0, 1);

    agenda.settle(first, [pageOf(first[0] as PageRequest, [1, 1], true)]);

    expect(namesOf(agenda.due())).toEqual(['b', 'c', 'a']);
  });

  test('is made again with fewer entries if they were too large', () => {
    const agenda = createAgenda([cursorOf('a')], 1000);
    const before = agenda.plan();

    agenda.exceeded(before);

    expect(asked(before)).toEqual([['a', 1000]]);
    expect(agenda.plan()[0]?.count).toBeLessThan(400);
  });

  test('has at least one entry, whatever its size', () => {
    const agenda = createAgenda([cursorOf('a'), cursorOf('b')], 1000);
    for (let round = 0; round < 20; round += 1) agenda.exceeded(agenda.plan());

    expect(asked(agenda.plan())).toEqual([['a', 1]]);
  });
});

describe('a queue', () => {
  test('with new entries is due until it is read to its end, and its ordinal is compared once', () => {
    const agenda = createAgenda([cursorOf('a')], 10);
    const first = agenda.plan();
    agenda.settle(first, [pageOf(first[0] as PageRequest, [1], false)]);
    const second = agenda.plan();
    agenda.settle(second, [pageOf(second[0] as PageRequest, [], false)]);

    expect([first, second].map(([request]) => request?.recount)).toEqual([false, true]);
    expect(namesOf(agenda.idle())).toEqual(['a']);
    agenda.makeDue(['a', 'unknown']);
    const third = agenda.plan();
    agenda.settle(third, [pageOf(third[0] as PageRequest, [1], false)]);
    expect([third[0]?.recount, namesOf(agenda.idle())]).toEqual([false, ['a']]);
  });

  test('without new entries is not compared', () => {
    const agenda = createAgenda([cursorOf('a')], 10);
    const plan = agenda.plan();
    agenda.settle(plan, [pageOf(plan[0] as PageRequest, [], false)]);

    expect([namesOf(agenda.due()), namesOf(agenda.idle())]).toEqual([[], ['a']]);
  });

  test('is compared again after all were made due', () => {
    const agenda = createAgenda([cursorOf('a', true)], 10);
    agenda.makeAllDue();
    const plan = agenda.plan();
    agenda.settle(plan, [pageOf(plan[0] as PageRequest, [1], false)]);

    expect(agenda.plan()[0]?.recount).toBe(true);
  });

  test('that the container knows is due only with new entries', () => {
    const agenda = createAgenda([cursorOf('known', true), cursorOf('new')], 10);

    expect([namesOf(agenda.due()), namesOf(agenda.idle())]).toEqual([['new'], ['known']]);
    agenda.makeDue(['known']);
    expect(namesOf(agenda.due())).toEqual(['new', 'known']);
  });

  test('that Redis refuses to read is left out from then on', () => {
    const agenda = createAgenda([cursorOf('a')], 10);
    const plan = agenda.plan();
    agenda.settle(plan, [{ queue: 'a', error: new Error('refused') as never }]);
    agenda.makeDue(['a']);
    agenda.makeAllDue();

    expect([agenda.due(), agenda.idle(), agenda.isDue('a')]).toEqual([[], [], false]);
  });

  test('is doubtful only at the beginning of a run', () => {
    const agenda = createAgenda([{ ...cursorOf('a'), isDoubtful: true }], 10);
    const first = agenda.plan();
    agenda.settle(first, [pageOf(first[0] as PageRequest, [1], true)]);

    expect([first, agenda.plan()].map(([request]) => request?.cursor.isDoubtful)).toEqual([true, undefined]);
  });
});
