import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { Page } from '../../functions/stream/position.ts';
import { createStreamReader, planRound } from '../../functions/stream/reader.ts';
import { adminRedis, ownPrefix, runConnection } from '../redis.ts';

const MIB = 1024 * 1024;

const cursor = (queue: string) => ({ queue, position: undefined, anchors: [] });

/** A reader of queues with these entries, each of the given number of bytes. */
async function readerOf(sizes: Readonly<Record<string, readonly number[]>>, sweepSize: number) {
  const prefix = ownPrefix();
  const admin = adminRedis();
  for (const [queue, entries] of Object.entries(sizes)) {
    const pipeline = admin.pipeline();
    for (const [n, bytes] of entries.entries())
      pipeline.xadd(`${prefix}:${queue}:events`, '*', 'n', n, 'data', 'x'.repeat(bytes));
    await pipeline.exec();
  }
  const cursors = Object.keys(sizes).map(cursor);
  return createStreamReader(await runConnection(), cursors, { prefix, sweepSize });
}

async function rounds(reader: Awaited<ReturnType<typeof readerOf>>): Promise<Page[][]> {
  const all: Page[][] = [];
  while (reader.unread().length > 0) all.push(await reader.next());
  return all;
}

const numbersOf = (pages: readonly Page[], queue: string) =>
  pages.filter((page) => page.queue === queue).flatMap(({ entries }) => entries.map(({ fields }) => Number(fields[1])));
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

describe('a round', () => {
  const queues = fc.array(fc.integer({ min: 1, max: 4 * MIB }), { minLength: 1, maxLength: 3000 });

  test.prop([queues, fc.integer({ min: 1, max: 10_000 })])(
    'asks each queue for the same, and no more than its bytes allow',
    (sizes, sweepSize) => {
      const unread = sizes.map((entryBytes, n) => ({ cursor: cursor(`${n}`), entryBytes }));

      const requests = planRound(unread, sweepSize);

      expect(requests.length).toBeGreaterThan(0);
      expect(requests.map((request) => request.cursor)).toEqual(
        unread.slice(0, requests.length).map((each) => each.cursor),
      );
      const bytes = requests.reduce((sum, { count }, i) => sum + count * (sizes[i] ?? 0), 0);
      expect(requests.length === 1 || bytes <= 8 * MIB).toBe(true);
      for (const { count } of requests)
        expect(count).toBeLessThanOrEqual(Math.max(10, Math.ceil(sweepSize / sizes.length)));
      for (const { count } of requests) expect(count).toBeGreaterThanOrEqual(1);
    },
  );
});

describe('the reader', () => {
  test('gives a quiet queue its turn beside a busy one', async () => {
    const reader = await readerOf({ busy: Array(5000).fill(10), quiet: Array(3).fill(10) }, 100);

    const [first = []] = await rounds(reader);

    expect(numbersOf(first, 'quiet')).toEqual([0, 1, 2]);
    expect(numbersOf(first, 'busy')).toEqual(upTo(50));
  });

  test('reads all of each queue in order, and large entries a few at a time', async () => {
    const large = Array(12).fill(3 * MIB);
    const sizes = { mixed: [...Array(50).fill(20), ...large, ...Array(50).fill(20)], small: Array(200).fill(20) };
    const reader = await readerOf(sizes, 1000);

    const all = await rounds(reader);

    expect(numbersOf(all.flat(), 'mixed')).toEqual(upTo(112));
    expect(numbersOf(all.flat(), 'small')).toEqual(upTo(200));
    for (const round of all) {
      const bytes = round.flatMap(({ entries }) => entries.flatMap(({ fields }) => fields.map(({ length }) => length)));
      expect(bytes.reduce((sum, length) => sum + length, 0)).toBeLessThan(25 * MIB);
    }
  });

  test('leaves out a queue that Redis refuses, says why, and reads the others', async () => {
    const prefix = ownPrefix();
    const admin = adminRedis();
    await admin.set(`${prefix}:odd:events`, 'text');
    await admin.xadd(`${prefix}:even:events`, '*', 'n', 0);
    const options = { prefix, sweepSize: 10 } as const;
    const reader = createStreamReader(await runConnection(), [cursor('odd'), cursor('even')], options);

    expect(numbersOf((await rounds(reader)).flat(), 'even')).toEqual([0]);
    expect([...reader.failures].map(([queue, { code }]) => [queue, code])).toEqual([['odd', 'REDIS_WRONG_TYPE']]);
  });

  test('counts what it has not read yet', async () => {
    const reader = await readerOf({ a: Array(30).fill(10), b: Array(5).fill(10) }, 20);
    await reader.next();

    expect(await reader.countUnread()).toEqual([{ queue: 'a', entries: 20, exact: true }]);
  });
});
