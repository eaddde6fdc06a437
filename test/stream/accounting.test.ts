import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { Position } from '../../functions/stream/position.ts';
import { skipWithout } from '../test-with.ts';
import { add, end, numbers, ownStream, read, type Stream } from './own-stream.ts';

skipWithout('counting server');

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

describe('a queue that begins at its first run', () => {
  const addAt = async ({ admin, key }: Stream, ...times: number[]) => {
    for (const ms of times) await admin.xadd(key, `${ms}-*`, 'n', ms);
  };

  test('begins behind the newest entry, whatever the clocks show', async () => {
    const stream = await ownStream();
    await addAt(stream, 1, 2, 999);

    const page = await read(stream, undefined, { place: 'now' });
    await addAt(stream, 1000);
    const next = await read(stream, end(page));

    expect([numbers(page), end(page)]).toEqual([[], { kind: 'unread', id: '999-0', ordinal: 3 }]);
    expect([numbers(next), next.loss, end(next).ordinal]).toEqual([[1000], undefined, 4]);
  });

  test('counts entries that are trimmed before they are read', async () => {
    const stream = await ownStream();
    await addAt(stream, 1, 2, 999);
    const first = end(await read(stream, undefined, { place: 'now' }));
    await addAt(stream, 1000, 1001, 1002);
    await stream.admin.xtrim(stream.key, 'MAXLEN', 1);

    expect((await read(stream, first)).loss).toEqual({
      ...{ reason: 'trimmed', lost: 2, exact: true },
      ...{ afterId: '999-0', beforeId: '1002-0' },
    });
  });

  test('begins behind the last id of an empty stream, and at the beginning of a stream that does not exist', async () => {
    const stream = await ownStream();
    await addAt(stream, 1, 2);
    await stream.admin.xtrim(stream.key, 'MAXLEN', 0);

    expect(end(await read(stream, undefined, { place: 'now' }))).toEqual({ kind: 'unread', id: '2-0', ordinal: 2 });
    expect(end(await read(await ownStream(), undefined, { place: 'now' }))).toEqual({
      ...{ kind: 'unread', id: '0-0', ordinal: 0 },
    });
  });

  test('notices a reset and a roll-back before it has read an entry', async () => {
    const stream = await ownStream();
    await addAt(stream, 1, 2, 999);
    const backup = await stream.admin.dumpBuffer(stream.key);
    await addAt(stream, 1000);
    const first = end(await read(stream, undefined, { place: 'now' }));
    await stream.admin.restore(stream.key, 0, backup as Buffer, 'REPLACE');
    expect((await read(stream, first)).loss).toMatchObject({ reason: 'rolled-back' });
    await stream.admin.del(stream.key);
    expect((await read(stream, first)).loss).toMatchObject({ reason: 'reset', beforeId: null });
    await addAt(stream, 2000);
    expect((await read(stream, first)).loss).toMatchObject({ reason: 'reset', beforeId: '2000-0' });
  });
});

describe('a queue that was listed before its stream existed', () => {
  test('has lost all entries that are trimmed before they are read', async () => {
    const stream = await ownStream();
    const listed = end(await read(stream, undefined));
    await add(stream, 1, 250);
    await stream.admin.xtrim(stream.key, 'MAXLEN', 100);

    const page = await read(stream, listed);

    expect(page.loss).toMatchObject({ reason: 'trimmed', lost: 150, exact: true, afterId: '0-0' });
    expect(numbers(page)[0]).toBe(151);
  });
});

describe('a server that restarts its count', () => {
  /** Copies a stream as a migration by `XADD` and plain `XSETID` does: the copy has received no more than it has. */
  async function migrate({ admin, key }: Stream): Promise<void> {
    const entries = await admin.xrange(key, '-', '+');
    const last = entries.at(-1)?.[0] ?? '0-0';
    await admin.del(key);
    for (const [id, fields] of entries) await admin.xadd(key, id, ...fields);
    await admin.call('XSETID', key, last);
  }

  test('has ordinals compared with its count at a page that ends the stream; the sequence never decreases', async () => {
    const stream = await ownStream();
    await add(stream, 1, 30);
    await stream.admin.xtrim(stream.key, 'MAXLEN', 10);
    const position = end(await read(stream, undefined));
    expect(position.ordinal).toBe(30);
    await migrate(stream);
    await add(stream, 31, 5);

    const page = await read(stream, position, { recount: true });

    expect([numbers(page), page.loss]).toEqual([[31, 32, 33, 34, 35], undefined]);
    expect(page.start).toMatchObject({ ordinal: 30, offset: 20 });
    expect(end(page)).toMatchObject({ ordinal: 35, offset: 20 });
    await add(stream, 36, 10);
    await stream.admin.xtrim(stream.key, 'MAXLEN', 3);
    const next = await read(stream, end(page));
    expect(next.loss).toMatchObject({ reason: 'trimmed', lost: 7, exact: true });
    expect([numbers(next), end(next)]).toMatchObject([[43, 44, 45], { ordinal: 45, offset: 20 }]);
  });

  test('or counts more than was read makes the sequence jump up', async () => {
    const stream = await ownStream();
    await add(stream, 1, 3);
    const position = end(await read(stream, undefined));
    await stream.admin.call('XSETID', stream.key, position.id, 'ENTRIESADDED', 50, 'MAXDELETEDID', '0-0');
    await add(stream, 4, 1);

    expect(end(await read(stream, position, { recount: true }))).toMatchObject({ ordinal: 51 });
  });

  test('a reset after a migration is still a reset, and counts the new stream from its beginning', async () => {
    const stream = await ownStream();
    await add(stream, 1, 30);
    await stream.admin.xtrim(stream.key, 'MAXLEN', 10);
    const before = end(await read(stream, undefined));
    await migrate(stream);
    const position = end(await read(stream, before, { recount: true }));
    await stream.admin.del(stream.key);

    const gone = await read(stream, position);

    expect(gone.loss).toMatchObject({ reason: 'reset' });
    expect(end(gone)).toMatchObject({ kind: 'gap', id: '0-0', ordinal: 0 });
  });

  test('is not asked for its count unless needed', async () => {
    const stream = await ownStream();
    await add(stream, 1, 3);
    const commands: unknown[] = [];
    const send: typeof stream.connection.send = (sent, limits) => {
      commands.push(...sent.map(([name]) => name));
      return stream.connection.send(sent, limits);
    };
    const position = end(await read(stream, undefined));
    await read({ ...stream, connection: { ...stream.connection, send } }, position);

    expect(commands).toEqual(['xrangeBuffer']);
  });
});

describe('a run that may have published entries that it did not save', () => {
  test('makes every count of lost entries inexact', async () => {
    const stream = await ownStream();
    await add(stream, 1, 3);
    const position = end(await read(stream, undefined));
    await add(stream, 4, 10);
    await stream.admin.xtrim(stream.key, 'MAXLEN', 5);

    expect((await read(stream, position)).loss).toMatchObject({ lost: 5, exact: true });
    expect((await read(stream, position, { isDoubtful: true })).loss).toMatchObject({ lost: 5, exact: false });
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
    return replies.map((reply) => (Array.isArray(reply) ? withoutAdded(reply.map(withoutAdded)) : reply));
  };
  return { ...stream, connection: { ...connection, send } };
}

describe('a server that does not count', () => {
  test('shows whether there is a gap', async () => {
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

  test('also begins behind the newest entry', async () => {
    const stream = withoutCounter(await ownStream());
    await add(stream, 1, 2);
    const first = end(await read(stream, undefined, { place: 'now' }));
    await add(stream, 3, 2);

    expect(first.ordinal).toBeUndefined();
    expect(numbers(await read(stream, first))).toEqual([3, 4]);
  });

  test('and begins to count fills in the ordinal at the first page that reaches the end', async () => {
    const stream = await ownStream();
    await add(stream, 1, 10);
    const uncounted = end(await read(withoutCounter(stream), undefined, { count: 4 }));
    expect(uncounted).not.toHaveProperty('ordinal');

    const part = await read(stream, uncounted, { count: 3, recount: true });
    const rest = await read(stream, end(part), { recount: true });

    expect(end(part)).not.toHaveProperty('ordinal');
    expect([rest.start.ordinal, end(rest).ordinal]).toEqual([7, 10]);
  });
});

describe('histories that break', () => {
  test('a new queue begins at its oldest entry, and has lost nothing', async () => {
    const stream = await ownStream();
    await add(stream, 1, 10);
    await stream.admin.xtrim(stream.key, 'MAXLEN', 4);

    const page = await read(stream, undefined);

    expect(numbers(page)).toEqual([7, 8, 9, 10]);
    expect(page.loss).toBeUndefined();
    expect(end(page).ordinal).toBe(10);
  });

  test('a deleted stream is a reset, and the whole new stream is read', async () => {
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

  test('after a roll-back, all entries behind the newest anchor are read again', async () => {
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

  test('without an anchor that is left, all entries of the stream are read again', async () => {
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

  test('another entry with the same id and ordinal as the position is not mistaken for it', async () => {
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
