import { hash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { bytesOf, lengthOf, type Value } from '../../functions/stream/entry.ts';
import { type AtEntry, beginning, type Page } from '../../functions/stream/position.ts';
import { createStreamReader } from '../../functions/stream/reader.ts';
import { adminRedis, ownPrefix, runConnection } from '../redis.ts';

const MIB = 1024 * 1024;
const maxEntryBytes = 16 * MIB;

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
  return createStreamReader(await runConnection(), cursors, { prefix, maxEntryBytes, sweepSize, now });
}

async function rounds(reader: Awaited<ReturnType<typeof readerOf>>): Promise<Page[][]> {
  const all: Page[][] = [];
  while (reader.due().length > 0) all.push(await reader.next());
  return all;
}

const numbersOf = (pages: readonly Page[], queue: string) =>
  pages
    .filter((page) => page.queue === queue)
    .flatMap(({ entries }) => entries.map(({ fields }) => Number(bytesOf(fields[1] as Value))));
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

describe('the reader', () => {
  test('gives a quiet queue its turn next to a busy one', async () => {
    const reader = await readerOf({ busy: Array(5000).fill(10), quiet: Array(3).fill(10) }, 100);

    const [first = []] = await rounds(reader);

    expect(numbersOf(first, 'quiet')).toEqual([0, 1, 2]);
    expect(numbersOf(first, 'busy')).toEqual(upTo(50));
  });

  test('reads the whole of each queue in order, and large entries a few at a time', async () => {
    const large = Array(12).fill(3 * MIB);
    const sizes = { mixed: [...Array(50).fill(20), ...large, ...Array(50).fill(20)], small: Array(200).fill(20) };
    const reader = await readerOf(sizes, 1000);

    const all = await rounds(reader);

    expect(numbersOf(all.flat(), 'mixed')).toEqual(upTo(112));
    expect(numbersOf(all.flat(), 'small')).toEqual(upTo(200));
    for (const round of all) {
      const bytes = round.flatMap(({ entries }) => entries.flatMap(({ fields }) => fields.map(lengthOf)));
      expect(bytes.reduce((sum, length) => sum + length, 0)).toBeLessThan(25 * MIB);
    }
  });

  test('leaves out a queue that Redis refuses, reports the reason, and reads the others', async () => {
    const prefix = ownPrefix();
    const admin = adminRedis();
    await admin.set(`${prefix}:odd:events`, 'text');
    await admin.xadd(`${prefix}:even:events`, '*', 'n', 0);
    const options = { prefix, maxEntryBytes, sweepSize: 10, now };
    const reader = createStreamReader(await runConnection(), [cursor('odd'), cursor('even')], options);

    expect(numbersOf((await rounds(reader)).flat(), 'even')).toEqual([0]);
    expect([...reader.failures].map(([queue, { code }]) => [queue, code])).toEqual([['odd', 'REDIS_WRONG_TYPE']]);
  });

  test('checks a caught-up queue for new entries after a second, whatever else it reads', async () => {
    const prefix = ownPrefix();
    const admin = adminRedis();
    const add = async (queue: string, count: number) => {
      const pipeline = admin.pipeline();
      for (let n = 0; n < count; n += 1) pipeline.xadd(`${prefix}:${queue}:events`, '*', 'n', n);
      await pipeline.exec();
    };
    await add('backlog', 500);
    let time = 1_000_000;
    const options = { prefix, maxEntryBytes, sweepSize: 20, now: () => new Date(time) };
    const reader = createStreamReader(await runConnection(), [cursor('backlog'), cursor('hot')], options);
    await reader.next();
    expect(reader.isDue('hot')).toBe(false);
    await add('hot', 3);
    time += 999;
    expect(numbersOf(await reader.next(), 'hot')).toEqual([]);

    time += 1;

    expect(numbersOf(await reader.next(), 'hot')).toEqual([0, 1, 2]);
  });

  test('reads all queues again after some minutes, to notice resets and roll-backs', async () => {
    const prefix = ownPrefix();
    const admin = adminRedis();
    for (let n = 0; n < 3; n += 1) await admin.xadd(`${prefix}:q:events`, `9-${n}`, 'n', n);
    let time = 1_000_000;
    const options = { prefix, maxEntryBytes, sweepSize: 20, now: () => new Date(time) };
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

describe('an entry that is too large for memory', () => {
  const KIB = 1024;
  const named = (count: number, bytes: number) =>
    Array.from({ length: count }, (_, n) => [`f${n}`, 'x'.repeat(bytes)] as const).flat();

  /** Reads entries that are each the only one of a page, and says what is left of the second. */
  async function readBetween(fields: readonly string[]) {
    const prefix = ownPrefix();
    const admin = adminRedis();
    const key = `${prefix}:q:events`;
    await admin.xadd(key, '1-0', 'n', 0);
    await admin.xadd(key, '2-0', 'n', 1, ...fields);
    await admin.xadd(key, '3-0', 'n', 2);
    const options = { prefix, maxEntryBytes: 256 * KIB, sweepSize: 1, now };
    const reader = createStreamReader(await runConnection(), [cursor('q')], options);
    const pages = (await rounds(reader)).flat();
    await admin.unlink(key);
    expect(numbersOf(pages, 'q')).toEqual([0, 1, 2]);
    expect(pages.every(({ loss }) => loss === undefined)).toBe(true);
    const values = pages.flatMap(({ entries }) => entries)[1]?.fields.slice(2) ?? [];
    return { values, kept: values.reduce((sum, value) => sum + bytesOf(value).length, 0) };
  }

  test.each([
    ['one value of many megabytes', named(1, 40 * MIB), 1],
    ['one value beyond the limit by a byte', named(1, 256 * KIB + 1), 1],
    ['the name of a field', ['x'.repeat(MIB), 'y'], 1],
    ['several values that are too large together', named(5, 200 * KIB), 5],
    ['hundreds of values that are too large together', named(300, 4 * KIB), 300],
    ['a large value among hundreds of small ones', [...named(300, 100), 'large', 'x'.repeat(MIB)], 1],
  ])('is read without its long values: %s', async (_, fields, cut) => {
    const { values, kept } = await readBetween(fields);

    expect(values.map(lengthOf)).toEqual(fields.map((text) => text.length));
    expect(values.filter((value) => !Buffer.isBuffer(value))).toHaveLength(cut);
    expect(kept).toBeLessThan(600 * KIB);
  });

  test.each([
    ['as large as the limit', named(1, 256 * KIB)],
    ['of many fields', named(60, 4 * KIB)],
  ])('does not include an entry that is %s', async (_, fields) => {
    const { values } = await readBetween(fields);

    expect(values.every(Buffer.isBuffer)).toBe(true);
  });

  test('is recognised as the position, also by its digest of an earlier version', async () => {
    const prefix = ownPrefix();
    const admin = adminRedis();
    const key = `${prefix}:q:events`;
    const value = 'x'.repeat(100 * KIB);
    await admin.xadd(key, '1-0', 'n', 0, 'large', value);
    const options = { prefix, maxEntryBytes: 32 * KIB, sweepSize: 1, now };
    const connection = await runConnection();
    const first = createStreamReader(connection, [cursor('q')], options);
    await rounds(first);
    const [current] = first.idle().map(({ position }) => (position as AtEntry).digest);
    const fields = ['n', '0', 'large', value].map((text) => Buffer.from(text));
    const before = hash('sha1', [fields.map(({ length }) => length).join(), ...fields].join(''), 'base64url').slice(
      0,
      11,
    );
    await admin.xadd(key, '2-0', 'n', 1);

    for (const [digest, limit] of [
      [`${current}`, 32 * KIB],
      [`${current}`, MIB],
      [before, MIB],
    ] as const) {
      const position: AtEntry = { kind: 'entry', id: '1-0', ordinal: 1, digest };
      const reader = createStreamReader(connection, [{ queue: 'q', position, anchors: [] }], {
        ...options,
        maxEntryBytes: limit,
      });
      const [page] = await reader.next();
      expect(page).toMatchObject({ start: position, entries: [{ id: '2-0' }] });
    }
  });

  test('with too many fields for memory fails its queue, with the reason', async () => {
    const prefix = ownPrefix();
    await adminRedis().xadd(`${prefix}:wide:events`, '1-0', ...named(3000, 10));
    const options = { prefix, maxEntryBytes: 16 * KIB, sweepSize: 1, now };
    const reader = createStreamReader(await runConnection(), [cursor('wide')], options);

    expect(await rounds(reader)).toEqual([[]]);
    expect([...reader.failures].map(([queue, { code }]) => [queue, code])).toEqual([['wide', 'REDIS_ENTRY_TOO_LARGE']]);
  });
});
