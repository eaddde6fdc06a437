import { describe, expect, test } from 'vitest';
import { beginning, type Page } from '../../functions/stream/position.ts';
import { createStreamReader } from '../../functions/stream/reader.ts';
import { adminRedis, ownPrefix, runConnection } from '../redis.ts';

const MIB = 1024 * 1024;

const cursor = (queue: string) => ({ queue, position: beginning(0), anchors: [] });
const now = () => new Date();

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
  return createStreamReader(await runConnection(), cursors, { prefix, sweepSize, now });
}

async function rounds(reader: Awaited<ReturnType<typeof readerOf>>): Promise<Page[][]> {
  const all: Page[][] = [];
  while (reader.due().length > 0) all.push(await reader.next());
  return all;
}

const numbersOf = (pages: readonly Page[], queue: string) =>
  pages.filter((page) => page.queue === queue).flatMap(({ entries }) => entries.map(({ fields }) => Number(fields[1])));
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

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
    const options = { prefix, sweepSize: 10, now };
    const reader = createStreamReader(await runConnection(), [cursor('odd'), cursor('even')], options);

    expect(numbersOf((await rounds(reader)).flat(), 'even')).toEqual([0]);
    expect([...reader.failures].map(([queue, { code }]) => [queue, code])).toEqual([['odd', 'REDIS_WRONG_TYPE']]);
  });

  test('asks for news of a caught-up queue after a second, whatever else it reads', async () => {
    const prefix = ownPrefix();
    const admin = adminRedis();
    const add = async (queue: string, count: number) => {
      const pipeline = admin.pipeline();
      for (let n = 0; n < count; n += 1) pipeline.xadd(`${prefix}:${queue}:events`, '*', 'n', n);
      await pipeline.exec();
    };
    await add('backlog', 500);
    let time = 1_000_000;
    const options = { prefix, sweepSize: 20, now: () => new Date(time) };
    const reader = createStreamReader(await runConnection(), [cursor('backlog'), cursor('hot')], options);
    await reader.next();
    expect(reader.isDue('hot')).toBe(false);
    await add('hot', 3);
    time += 999;
    expect(numbersOf(await reader.next(), 'hot')).toEqual([]);

    time += 1;

    expect(numbersOf(await reader.next(), 'hot')).toEqual([0, 1, 2]);
  });

  test('reads all queues again after some minutes, for what is no news', async () => {
    const prefix = ownPrefix();
    const admin = adminRedis();
    for (let n = 0; n < 3; n += 1) await admin.xadd(`${prefix}:q:events`, `9-${n}`, 'n', n);
    let time = 1_000_000;
    const options = { prefix, sweepSize: 20, now: () => new Date(time) };
    const reader = createStreamReader(await runConnection(), [cursor('q')], options);
    while (reader.due().length > 0) await reader.next();
    await admin.del(`${prefix}:q:events`);
    await admin.xadd(`${prefix}:q:events`, '1-0', 'n', 7);
    time += 60_000;
    expect(await reader.next()).toEqual([]);

    time += 120_000;
    const [page] = await reader.next();

    expect(page?.loss).toMatchObject({ reason: 'rolled-back' });
  });
});
