import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { continueFrom, type StreamInfo } from '../../functions/stream/continuity.ts';
import type { Position } from '../../functions/stream/position.ts';

const at = (id: string, ordinal?: number): Position => ({ id, ...(ordinal !== undefined && { ordinal }), digest: 'x' });
const stream = (info: Partial<StreamInfo>): StreamInfo => ({
  length: 5,
  entriesAdded: 15,
  lastId: '30-0',
  first: { id: '26-0', fields: [] },
  deleted: false,
  ...info,
});

test.prop([fc.nat(1000), fc.nat(1000), fc.nat(1000)])(
  'a trimmed stream has lost what stands between position and oldest entry',
  (read, gone, left) => {
    const position = at('10-0', read);
    const info = stream({ length: left, entriesAdded: read + gone + left, ...(left === 0 && { first: undefined }) });

    const { start, loss } = continueFrom(position, info);

    expect(start.ordinal).toBe(read + gone);
    expect(loss).toEqual(
      gone === 0
        ? undefined
        : { reason: 'trimmed', lost: gone, exact: true, afterId: '10-0', beforeId: left === 0 ? null : '26-0' },
    );
  },
);

test('an emptied stream is not found trimmed twice', () => {
  const info = stream({ length: 0, first: undefined });
  const first = continueFrom(at('10-0', 8), info);

  expect(first).toEqual({
    start: { id: '30-0', ordinal: 15, digest: '' },
    loss: { reason: 'trimmed', lost: 7, exact: true, afterId: '10-0', beforeId: null },
  });
  expect(continueFrom(first.start, info).loss).toBeUndefined();
});

test('where entries were deleted one by one, the count is an upper bound', () => {
  expect(continueFrom(at('10-0', 8), stream({ deleted: true })).loss).toMatchObject({ lost: 2, exact: false });
});

test('a key that is gone was reset, once', () => {
  const first = continueFrom(at('10-0', 8), undefined);

  expect(first).toEqual({
    start: { id: '10-0', ordinal: 0, digest: '' },
    loss: { reason: 'reset', lost: 0, exact: false, afterId: '10-0', beforeId: null },
  });
  expect(continueFrom(first.start, undefined)).toEqual({ start: first.start });
});

test('a stream that begins anew was reset; what it has trimmed since is known to be lost', () => {
  expect(continueFrom(at('10-0', 20), stream({}))).toEqual({
    start: { id: '10-0', ordinal: 10, digest: '' },
    loss: { reason: 'reset', lost: 10, exact: false, afterId: '10-0', beforeId: '26-0' },
  });
});

test('where a roll-back could have left what is there, too, nothing is said to be lost', () => {
  expect(continueFrom(at('10-0', 20), stream({}), [at('9-0', 10)]).loss).toMatchObject({ reason: 'reset', lost: 0 });
  expect(continueFrom(at('10-0', 20), stream({}), [at('9-0', 12), at('1-0', 1)]).loss).toMatchObject({
    reason: 'reset',
    lost: 10,
  });
});

test('of a stream that was reset, entries with ids below the position are read, and are no second incident', () => {
  const { start } = continueFrom(at('40-0', 20), undefined);

  expect(continueFrom(start, stream({ length: 15 }))).toEqual({ start });
  expect(continueFrom(start, stream({})).loss).toMatchObject({ reason: 'trimmed', lost: 10, exact: true });
});

test('a stream that was made and never received anything is a reset, and leaves the position where it is', () => {
  const empty = stream({ length: 0, entriesAdded: 0, lastId: '0-0', first: undefined });
  const first = continueFrom(at('10-0', 8), empty);

  expect(first).toMatchObject({ start: { id: '10-0', ordinal: 0 }, loss: { reason: 'reset', lost: 0 } });
  expect(continueFrom(first.start, empty)).toEqual({ start: first.start });
});

test('a stream whose older entries are left while the position is gone was rolled back', () => {
  expect(continueFrom(at('28-1', 14), stream({}))).toEqual({
    start: { id: '0-0', ordinal: 10, digest: '' },
    loss: { reason: 'rolled-back', lost: 0, exact: false, afterId: '28-1', beforeId: '26-0' },
    rolledBack: true,
  });
});

test('a stream whose newest id is below the position was rolled back by a replica whose clock is behind', () => {
  expect(continueFrom(at('99-0', 12), stream({}))).toMatchObject({ rolledBack: true, loss: { reason: 'rolled-back' } });
});

test('without the counter of Redis 7 a hole is seen and not measured', () => {
  const info = stream({ entriesAdded: undefined });

  expect(continueFrom(at('10-0'), info).loss).toEqual({
    reason: 'unknown',
    lost: 0,
    exact: false,
    afterId: '10-0',
    beforeId: '26-0',
  });
  expect(continueFrom({ id: '10-0', ordinal: 0, digest: '' }, info)).toEqual({ start: { id: '0-0', digest: '' } });
  expect(
    continueFrom(at('30-0'), stream({ entriesAdded: undefined, length: 0, first: undefined })).loss,
  ).toBeUndefined();
});
