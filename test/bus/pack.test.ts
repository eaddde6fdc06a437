import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { LIMITS } from '../../functions/bus/eventbridge/port.ts';
import { pack } from '../../functions/bus/pack.ts';
import { type BusEntry, entryBytes } from '../../functions/event/bus-entry.ts';

const LIMIT = 2000;
const limits = { ...LIMITS, bytes: LIMIT };
const entryOf = (size: number, n = 0): BusEntry => ({
  Source: 's',
  DetailType: `${n}`,
  Detail: 'x'.repeat(Math.max(0, size - 1 - `${n}`.length)),
});
const bytesOf = (request: readonly BusEntry[]) => request.reduce((sum, entry) => sum + entryBytes(entry), 0);

describe('packing', () => {
  test.prop([fc.array(fc.integer({ min: 10, max: LIMIT }))])(
    'never exceeds a limit, never reorders, never loses an entry',
    (sizes) => {
      const entries = sizes.map((size, n) => entryOf(size, n));

      const requests = pack(entries, limits);

      expect(requests.flat()).toEqual(entries);
      for (const request of requests) {
        expect(request.length).toBeGreaterThan(0);
        expect(request.length).toBeLessThanOrEqual(LIMITS.entries);
        expect(bytesOf(request)).toBeLessThanOrEqual(LIMIT);
      }
    },
  );

  test.prop([fc.nat(200), fc.integer({ min: 10, max: LIMIT })])(
    'needs the fewest possible requests for entries of one size',
    (count, size) => {
      const requests = pack(
        Array.from({ length: count }, () => entryOf(size)),
        limits,
      );

      expect(requests).toHaveLength(Math.ceil(count / Math.min(LIMITS.entries, Math.floor(LIMIT / size))));
    },
  );

  test.each([
    [1999, 1],
    [2000, 1],
    [2001, 2],
  ])('at the limit of 2,000 bytes, %i bytes in two entries make %i request(s)', (bytes, requests) => {
    expect(pack([entryOf(1000), entryOf(bytes - 1000)], limits)).toHaveLength(requests);
  });
});

describe("an entry's size", () => {
  test('counts the UTF-8 bytes of its texts, and 14 for a time', () => {
    const entry = { Source: 'ü', DetailType: '€', Detail: '{"x":"😀"}' };

    expect(entryBytes(entry)).toBe(2 + 3 + 12);
    expect(entryBytes({ ...entry, Time: new Date() })).toBe(2 + 3 + 12 + 14);
  });
});
