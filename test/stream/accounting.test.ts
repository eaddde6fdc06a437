import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { Position } from '../../functions/stream/position.ts';
import { add, end, numbers, ownStream, read, type Stream } from './own-stream.ts';

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

describe('a queue seen first, from a moment on,', () => {
  const MOMENT = 1000;
  const addAt = async ({ admin, key }: Stream, ...times: number[]) => {
    for (const ms of times) await admin.xadd(key, `${ms}-*`, 'n', ms);
  };

  test('leaves out what is older, and knows how many entries that is', async () => {
    const stream = await ownStream();
    await addAt(stream, 1, 2, 999, 1000, 1001);

    const page = await read(stream, undefined, { since: MOMENT });

    expect(numbers(page)).toEqual([1000, 1001]);
    expect(end(page)).toMatchObject({ id: '1001-0', ordinal: 5 });
  });

  test('stands behind the newest entry where all are older, and goes on from there', async () => {
    const stream = await ownStream();
    await addAt(stream, 1, 2, 999);
    const page = await read(stream, undefined, { since: MOMENT });
    expect([numbers(page), end(page)]).toMatchObject([[], { id: '999-0', ordinal: 3 }]);
    await addAt(stream, 1000);

    const next = await read(stream, end(page));

    expect([numbers(next), next.loss]).toEqual([[1000], undefined]);
    await stream.admin.xtrim(stream.key, 'MAXLEN', 0);
    await addAt(stream, 1001);
    expect((await read(stream, end(page))).loss).toMatchObject({ reason: 'trimmed', lost: 1, exact: true });
  });

  test('stands behind the last id of a stream that was emptied', async () => {
    const stream = await ownStream();
    await addAt(stream, 1, 2);
    await stream.admin.xtrim(stream.key, 'MAXLEN', 0);

    expect(end(await read(stream, undefined, { since: MOMENT }))).toEqual({ id: '2-0', ordinal: 2, digest: '' });
    expect(end(await read(await ownStream(), undefined, { since: MOMENT })).ordinal).toBe(0);
  });

  test('reads all there is rather than miss one, where more than a page has come since', async () => {
    const stream = await ownStream();
    await addAt(stream, 1, 2, 1000, 1001, 1002);

    const first = await read(stream, undefined, { since: MOMENT, count: 3 });
    const second = await read(stream, end(first), { count: 9 });

    expect(numbers(second)).toEqual([1, 2, 1000, 1001, 1002]);
    expect(end(second).ordinal).toBe(5);
  });
});

/** The stream as a server before Redis 7 shows it: without the counter of entries. */
function withoutCounter(stream: Stream): Stream {
  const withoutAdded = (reply: unknown) => {
    const at = Array.isArray(reply) ? reply.findIndex((item) => String(item) === 'entries-added') : -1;
    return at === -1 ? reply : (reply as unknown[]).toSpliced(at, 2);
  };
  const { connection } = stream;
  const send: typeof connection.send = async (commands, limits) => {
    const replies = await connection.send(commands, limits);
    return replies.map((reply) => (Array.isArray(reply) ? reply.map(withoutAdded) : reply));
  };
  return { ...stream, connection: { ...connection, send } };
}

describe('a server that does not count', () => {
  test('shows no gap where there is none, and otherwise that there is one', async () => {
    const stream = withoutCounter(await ownStream());
    await add(stream, 1, 10);
    const first = end(await read(stream, undefined, { count: 4 }));
    expect(first.ordinal).toBeUndefined();
    const second = await read(stream, first, { count: 2 });
    expect([numbers(second), second.loss]).toEqual([[5, 6], undefined]);
    await stream.admin.xtrim(stream.key, 'MAXLEN', 3);

    const third = await read(stream, end(second));

    expect(numbers(third)).toEqual([8, 9, 10]);
    expect(third.loss).toMatchObject({ reason: 'unknown', lost: 0, exact: false });
  });

  test('shows a reset while the key is gone, and a roll-back by the ids that are left', async () => {
    const stream = withoutCounter(await ownStream());
    await add(stream, 1, 5);
    const backup = await stream.admin.dumpBuffer(stream.key);
    await add(stream, 6, 5);
    const position = end(await read(stream, undefined));
    await stream.admin.restore(stream.key, 0, backup as Buffer, 'REPLACE');
    expect((await read(stream, position)).loss).toMatchObject({ reason: 'rolled-back', lost: 0, exact: false });
    await stream.admin.del(stream.key);

    const gone = await read(stream, position);
    await add(stream, 11, 3);
    const anew = await read(stream, end(gone));

    expect(gone.loss).toMatchObject({ reason: 'reset', exact: false });
    expect([numbers(anew), anew.loss]).toEqual([[11, 12, 13], undefined]);
  });

  test('begins at a moment, too', async () => {
    const stream = withoutCounter(await ownStream());
    for (const ms of [1, 1000, 1001]) await stream.admin.xadd(stream.key, `${ms}-*`, 'n', ms);

    expect(numbers(await read(stream, undefined, { since: 1000, count: 2 }))).toEqual([1000, 1001]);
    expect(end(await read(stream, undefined, { since: 2000 }))).toEqual({ id: '1001-0', digest: expect.any(String) });
  });
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
