import { fc, test } from '@fast-check/vitest';
import type { Redis } from 'ioredis';
import { describe, expect } from 'vitest';
import type { RedisConnection } from '../../functions/stream/connection.ts';
import { type Page, type Position, positionAfter } from '../../functions/stream/position.ts';
import { readPages } from '../../functions/stream/read.ts';
import { adminRedis, ownPrefix, runConnection } from '../redis.ts';

interface Stream {
  readonly admin: Redis;
  readonly connection: RedisConnection;
  readonly prefix: string;
  readonly key: string;
}

async function ownStream(): Promise<Stream> {
  const prefix = ownPrefix();
  return { admin: adminRedis(), connection: await runConnection(), prefix, key: `${prefix}:q:events` };
}

async function read(
  stream: Stream,
  position: Position | undefined,
  options: { count?: number; anchors?: Position[] } = {},
): Promise<Page> {
  const cursor = { queue: 'q', position, anchors: options.anchors ?? [] };
  const [result] = await readPages(stream.connection, [{ cursor, count: options.count ?? 1000 }], {
    prefix: stream.prefix,
  });
  if (!result || 'error' in result) throw result?.error;
  return result.page;
}

const end = (page: Page) => positionAfter(page, page.entries.length);
const numbers = (page: Page) => page.entries.map(({ fields }) => Number(fields[1]));

async function add({ admin, key }: Stream, from: number, count: number): Promise<void> {
  const pipeline = admin.pipeline();
  for (let n = from; n < from + count; n += 1) pipeline.xadd(key, '*', 'n', n);
  await pipeline.exec();
}

describe('reading a stream that is trimmed at random', () => {
  test('the reported loss is the truth on each of 1,000 polls', { timeout: 120_000 }, async () => {
    const stream = await ownStream();
    const random = fc.sample(
      fc.record({ added: fc.nat(60), kept: fc.nat(80), trims: fc.boolean(), count: fc.integer({ min: 1, max: 50 }) }),
      1000,
    );
    let written = 0;
    let position: Position | undefined;
    let lastSeen = 0;
    let lost = 0;
    for (const { added, kept, trims, count } of random) {
      await add(stream, written + 1, added);
      written += added;
      if (trims) await stream.admin.xtrim(stream.key, 'MAXLEN', position ? kept : 1000);

      const page = await read(stream, position, { count });

      const [first] = numbers(page);
      const oldest = written - (await stream.admin.xlen(stream.key)) + 1;
      const truth = Math.max(0, oldest - lastSeen - 1);
      expect(page.loss?.lost ?? 0).toBe(truth);
      expect(page.loss?.exact ?? true).toBe(true);
      if (first !== undefined) expect(first).toBe(lastSeen + truth + 1);
      position = end(page);
      lastSeen += truth + page.entries.length;
      lost += truth;
      expect(position.ordinal).toBe(lastSeen);
    }
    expect(lost).toBeGreaterThan(1000);
  });
});

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('add' as const), count: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('trim' as const), kept: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('poll' as const), count: fc.integer({ min: 1, max: 30 }) }) },
);

describe('reading a stream that is trimmed and deleted at random', () => {
  test.prop([fc.array(step, { minLength: 1, maxLength: 25 })], { numRuns: 200 })(
    'a deletion never looks contiguous, nothing else looks like one, and what is there is read',
    async (steps) => {
      const stream = await ownStream();
      const left = async () => (await stream.admin.xrange(stream.key, '-', '+')).map(([, [, n]]) => Number(n));
      const seen: number[] = [];
      let written = 0;
      let position: Position | undefined;
      /** The newest entry that was read or counted as lost, of the stream as it is now. */
      let settled = 0;
      let deleted = false;

      const poll = async (count: number) => {
        const [oldest = written + 1] = await left();
        const page = await read(stream, position, { count });
        seen.push(...numbers(page));
        const isBroken = page.loss?.reason === 'reset' || page.loss?.reason === 'rolled-back';
        if (deleted) expect(isBroken || page.loss?.reason === 'trimmed').toBe(true);
        else {
          const truth = position ? Math.max(0, oldest - settled - 1) : 0;
          expect(isBroken).toBe(false);
          expect(page.loss?.lost ?? 0).toBe(truth);
        }
        position = end(page);
        settled = numbers(page).at(-1) ?? Math.max(settled, oldest - 1);
        deleted = false;
      };

      for (const each of steps) {
        if (each.kind === 'add') {
          await add(stream, written + 1, each.count);
          written += each.count;
        }
        if (each.kind === 'trim') await stream.admin.xtrim(stream.key, 'MAXLEN', each.kept);
        if (each.kind === 'delete') {
          if ((await stream.admin.del(stream.key)) === 1) deleted ||= position !== undefined && position.ordinal !== 0;
          settled = written;
        }
        if (each.kind === 'poll') await poll(each.count);
      }
      while (!seen.includes(written) && (await left()).includes(written)) await poll(30);

      for (const n of await left()) expect(seen).toContain(n);
    },
  );
});

describe('histories that break off', () => {
  test('a queue seen first begins at its oldest entry, and has lost nothing', async () => {
    const stream = await ownStream();
    await add(stream, 1, 10);
    await stream.admin.xtrim(stream.key, 'MAXLEN', 4);

    const page = await read(stream, undefined);

    expect(numbers(page)).toEqual([7, 8, 9, 10]);
    expect(page.loss).toBeUndefined();
    expect(end(page).ordinal).toBe(10);
  });

  test('a deleted stream is a reset, and everything of the new one is read', async () => {
    const stream = await ownStream();
    await add(stream, 1, 10);
    const position = end(await read(stream, undefined));
    await stream.admin.del(stream.key);

    const gone = await read(stream, position);
    await add(stream, 11, 3);
    const anew = await read(stream, end(gone));

    expect(gone.loss).toMatchObject({ reason: 'reset', lost: 0, exact: false, afterId: position.id, beforeId: null });
    expect(anew.loss).toBeUndefined();
    expect(numbers(anew)).toEqual([11, 12, 13]);
    expect(end(anew).ordinal).toBe(3);
  });

  test('a stream deleted and filled again between two polls is a reset', async () => {
    const stream = await ownStream();
    await add(stream, 1, 10);
    const position = end(await read(stream, undefined));
    await stream.admin.del(stream.key);
    await waitForNextMillisecond(position);
    await add(stream, 11, 5);

    const page = await read(stream, position);

    expect(page.loss).toMatchObject({ reason: 'reset', exact: false });
    expect(numbers(page)).toEqual([11, 12, 13, 14, 15]);
  });

  test('after a roll-back everything behind the newest anchor is read again', async () => {
    const stream = await ownStream();
    await add(stream, 1, 10);
    const anchor = end(await read(stream, undefined));
    const backup = await stream.admin.dumpBuffer(stream.key);
    await add(stream, 11, 5);
    const position = end(await read(stream, anchor));
    await stream.admin.del(stream.key);
    await stream.admin.restore(stream.key, 0, backup as Buffer);
    await add(stream, 21, 20);

    const rolledBack = await read(stream, position, { anchors: [anchor] });
    const again = await read(stream, end(rolledBack));

    expect(rolledBack.loss).toMatchObject({ reason: 'rolled-back', exact: false, afterId: position.id });
    expect(again.loss).toBeUndefined();
    expect(numbers(again)).toEqual(Array.from({ length: 20 }, (_, i) => 21 + i));
  });

  test('without an anchor that is left, everything still in the stream is read again', async () => {
    const stream = await ownStream();
    await add(stream, 1, 10);
    const backup = await stream.admin.dumpBuffer(stream.key);
    await add(stream, 11, 5);
    const position = end(await read(stream, undefined));
    await stream.admin.restore(stream.key, 0, backup as Buffer, 'REPLACE');
    await add(stream, 21, 2);

    const rolledBack = await read(stream, position);
    const again = await read(stream, end(rolledBack));

    expect(rolledBack.loss?.reason).toBe('rolled-back');
    expect(numbers(again)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 21, 22]);
  });

  test('another entry with the very id and ordinal of the position is not taken for it', async () => {
    const stream = await ownStream();
    for (const n of [1, 2]) await stream.admin.xadd(stream.key, `${n}-0`, 'n', n);
    const position = end(await read(stream, undefined));
    await stream.admin.del(stream.key);
    for (const n of [1, 2]) await stream.admin.xadd(stream.key, `${n}-0`, 'n', n + 10);

    const rolledBack = await read(stream, position);

    expect(rolledBack.loss?.reason).toBe('rolled-back');
    expect(numbers(await read(stream, end(rolledBack)))).toEqual([11, 12]);
  });
});

/** Redis gives a new stream the millisecond of its clock; in the same one, a new id can be below an old one. */
async function waitForNextMillisecond({ id }: Position): Promise<void> {
  const ms = Number(id.split('-')[0]);
  await expect.poll(() => Date.now(), { interval: 1 }).toBeGreaterThan(ms);
}
