import { expect, test } from 'vitest';
import { createArrivals } from '../../functions/forward/arrivals.ts';
import { createSource } from '../../functions/forward/source.ts';
import type { AtEntry, Page } from '../../functions/stream/position.ts';
import type { StreamReader } from '../../functions/stream/reader.ts';

const position: AtEntry = { kind: 'entry', id: '5-0', ordinal: 5, digest: 'x' };
const page = (queue: string, ids: readonly string[], start: AtEntry = position): Page => ({
  queue,
  from: position,
  start,
  entries: ids.map((id) => ({ id, fields: [] })),
});

/** A reader that has these rounds to give. */
function readerOf(rounds: Page[][]): StreamReader {
  return {
    next: async () => rounds.shift() ?? [],
    makeDue: () => {},
    isDue: () => rounds.length > 0,
    due: () => (rounds.length > 0 ? [{ queue: 'busy', position, anchors: [] }] : []),
    idle: () => [],
    failures: new Map(),
    allReadAt: 0,
  };
}

test('a source groups pages into sweeps, and leaves out pages without a change', async () => {
  const reader = readerOf([[page('idle', []), page('busy', ['6-0', '7-0', '8-0'])], [page('busy', ['9-0'])]]);
  const arrivals = createArrivals(60_000);
  const source = createSource(reader, arrivals, { entries: 2, bytes: 100 });

  const first = await source.next();
  expect(first?.map(({ queue, entries }) => [queue, entries.length])).toEqual([['busy', 2]]);
  expect([source.isCaughtUp(), source.waiting()]).toEqual([false, 1]);
  source.putBack(first ?? []);
  expect(source.waiting()).toBe(3);
  expect((await source.next())?.length).toBe(1);
  await source.next();
  expect([await source.next(), source.isCaughtUp(), arrivals.all().get('busy')?.most]).toEqual([undefined, true, 4]);
});

test('a source keeps a page on which only the count of entries changed', async () => {
  const source = createSource(readerOf([[page('q', [], { ...position, offset: 3 })]]), createArrivals(60_000), {
    entries: 2,
    bytes: 100,
  });

  expect(await source.next()).toHaveLength(1);
});
