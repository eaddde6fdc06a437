import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { account } from '../../functions/stream/account.ts';
import { digestOf } from '../../functions/stream/entry.ts';
import { compareIds, idBefore } from '../../functions/stream/id.ts';
import { type AtEntry, beginning, type Position } from '../../functions/stream/position.ts';
import type { StreamInfo } from '../../functions/stream/stream-info.ts';

const entry = (id: string) => ({ id, fields: [Buffer.from(`field of ${id}`)] });
const at = (id: string, ordinal?: number): AtEntry => ({
  kind: 'entry',
  id,
  ...(ordinal !== undefined && { ordinal }),
  digest: digestOf(entry(id)),
});
const stream = (info: Partial<StreamInfo>): StreamInfo => ({
  length: 5,
  entriesAdded: 15,
  lastId: '30-0',
  firstId: '26-0',
  deleted: false,
  ...info,
});
/** What becomes of a position whose entry is gone from a stream in this state. */
const gone = (position: Position, info: StreamInfo | null, anchors: readonly AtEntry[] = []) =>
  account({ position, anchors }, { entries: [], count: 10, stream: info });

describe('a trimmed stream', () => {
  test.prop([fc.nat(1000), fc.nat(1000), fc.nat(1000)])(
    'has lost the entries between the position and the oldest entry',
    (read, cut, left) => {
      const info = stream({
        length: left,
        entriesAdded: read + cut + left,
        ...(left === 0 && { firstId: undefined }),
      });

      const found = gone(at('10-0', read), info);

      expect(found?.start.ordinal).toBe(read + cut);
      expect(found?.loss).toEqual(
        cut === 0
          ? undefined
          : { reason: 'trimmed', lost: cut, exact: true, afterId: '10-0', beforeId: left === 0 ? null : '26-0' },
      );
    },
  );

  test('continues behind the gap, in the same stream', () => {
    expect(gone(at('10-0', 8), stream({}))?.start).toEqual({ kind: 'gap', id: `25-${2n ** 64n - 1n}`, ordinal: 10 });
  });

  test('that is empty is not reported twice', () => {
    const info = stream({ length: 0, firstId: undefined });
    const first = gone(at('10-0', 8), info);

    expect(first).toMatchObject({
      start: { kind: 'gap', id: '30-0', ordinal: 15 },
      loss: { reason: 'trimmed', lost: 7, exact: true, afterId: '10-0', beforeId: null },
    });
    expect(gone(first?.start as Position, info)?.loss).toBeUndefined();
  });

  test('from which entries were deleted one by one has an upper bound as its count', () => {
    expect(gone(at('10-0', 8), stream({ deleted: true }))?.loss).toMatchObject({ lost: 2, exact: false });
  });
});

describe('a stream that was reset', () => {
  test('and is gone is reported once', () => {
    const first = gone(at('10-0', 8), null);

    expect(first).toMatchObject({
      start: { kind: 'gap', id: '0-0', ordinal: 0 },
      loss: { reason: 'reset', lost: 0, exact: false, afterId: '10-0', beforeId: null },
    });
    expect(gone(first?.start as Position, null)).toEqual({ start: first?.start, entries: [], more: false });
  });

  test('and began again has lost at least the entries trimmed since', () => {
    expect(gone(at('10-0', 20), stream({}))).toMatchObject({
      start: { kind: 'gap', ordinal: 10 },
      loss: { reason: 'reset', lost: 10, exact: false, afterId: '10-0', beforeId: '26-0' },
    });
  });

  test('or rolled back, which cannot be distinguished, has no certain loss', () => {
    expect(gone(at('10-0', 20), stream({}), [at('9-0', 10)])?.loss).toMatchObject({ reason: 'reset', lost: 0 });
    expect(gone(at('10-0', 20), stream({}), [at('9-0', 12), at('1-0', 1)])?.loss).toMatchObject({ lost: 10 });
  });

  test('has its entries with ids below the position read, without a second incident', () => {
    const { start } = gone(at('40-0', 20), null) as { start: Position };

    expect(gone(start, stream({ length: 15 }))?.loss).toBeUndefined();
    expect(gone(start, stream({}))?.loss).toEqual({
      ...{ reason: 'trimmed', lost: 10, exact: true },
      ...{ afterId: '0-0', beforeId: '26-0', since: 40 },
    });
  });

  test('and was trimmed afterwards has a gap that begins in the new stream', () => {
    const reset = gone(at('10-0', 20), stream({ length: 5, entriesAdded: 5 }));
    const trimmed = gone(reset?.start as Position, stream({ length: 3, entriesAdded: 8, firstId: '28-4' }));

    expect(trimmed?.loss).toEqual({
      ...{ reason: 'trimmed', lost: 5, exact: true },
      ...{ afterId: idBefore('26-0'), beforeId: '28-4' },
    });
  });

  test('and never received an entry since causes no report', () => {
    const empty = stream({ length: 0, entriesAdded: 0, lastId: '0-0', firstId: undefined });
    const first = gone(at('10-0', 8), empty);

    expect(first).toMatchObject({ start: { id: '0-0', ordinal: 0 }, loss: { reason: 'reset', lost: 0 } });
    expect(gone(first?.start as Position, empty)?.loss).toBeUndefined();
  });
});

describe('a stream that was rolled back', () => {
  test('has older entries, but not the position', () => {
    expect(gone(at('28-1', 14), stream({}))).toEqual({
      start: { kind: 'unread', id: '0-0', ordinal: 10, since: 28 },
      entries: [],
      more: true,
      loss: { reason: 'rolled-back', lost: 0, exact: false, afterId: '28-1', beforeId: '26-0' },
      rolledBack: true,
    });
  });

  test('by a replica whose clock is behind has a newest id below the position', () => {
    expect(gone(at('99-0', 12), stream({}))).toMatchObject({ rolledBack: true, loss: { reason: 'rolled-back' } });
  });

  test('has another entry with the id of the position', () => {
    const position = { ...at('26-0', 11), digest: 'another' };

    expect(account({ position, anchors: [] }, { entries: [entry('26-0')], count: 10 })).toBeUndefined();
    expect(
      account({ position, anchors: [] }, { entries: [entry('26-0')], count: 10, stream: stream({}) }),
    ).toMatchObject({
      rolledBack: true,
    });
  });
});

describe('without the counter of Redis 7', () => {
  const uncounted = stream({ entriesAdded: undefined });

  test('a gap is noticed, but not measured', () => {
    expect(gone(at('10-0'), uncounted)?.loss).toEqual({
      ...{ reason: 'unknown', lost: 0, exact: false },
      ...{ afterId: '10-0', beforeId: '26-0' },
    });
    expect(gone(at('30-0'), stream({ entriesAdded: undefined, length: 0, firstId: undefined }))?.loss).toBeUndefined();
  });

  test('nothing is known about a stream that was not read, and its ordinals stay unknown', () => {
    expect(gone(beginning(0), uncounted)).toMatchObject({ start: { kind: 'unread', id: '0-0' } });
    expect(gone(beginning(0), uncounted)?.loss).toBeUndefined();
    expect(gone(beginning(0), uncounted)?.start).not.toHaveProperty('ordinal');
  });

  test('a position of a server that counted keeps its ordinals as long as no entry is missing', () => {
    const found = account(
      { position: at('26-0', 11), anchors: [] },
      { entries: [entry('26-0'), entry('27-0')], count: 10, stream: uncounted },
    );

    expect(found).toMatchObject({ start: { ordinal: 11 }, entries: [{ id: '27-0' }] });
  });
});

describe('a page', () => {
  const entries = ['10-0', '11-0', '12-0'].map(entry);

  test('is proven by the entry of the position, which is not part of it', () => {
    expect(account({ position: at('10-0', 4), anchors: [] }, { entries, count: 2 })).toEqual({
      start: at('10-0', 4),
      entries: entries.slice(1),
      more: true,
    });
  });

  test('may be followed by more only if it has as many entries as requested', () => {
    expect(account({ position: at('10-0', 4), anchors: [] }, { entries, count: 3 })?.more).toBe(false);
  });

  test('without the entry of the position needs the state of the stream', () => {
    for (const position of [at('9-0', 4), beginning(0), { kind: 'gap', id: '9-0', ordinal: 3 } as const])
      expect(account({ position, anchors: [] }, { entries, count: 3 })).toBeUndefined();
  });
});

test.prop([fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })])(
  'the id before another id is the greatest id below it',
  (ms, sequence) => {
    const id = `${ms}-${sequence}`;
    fc.pre(id !== '0-0');
    const [beforeMs = 0n, beforeSequence = 0n] = idBefore(id).split('-').map(BigInt);

    expect(compareIds(idBefore(id), id)).toBeLessThan(0);
    expect(ms * 2n ** 64n + sequence - (beforeMs * 2n ** 64n + beforeSequence)).toBe(1n);
  },
);
