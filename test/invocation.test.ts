import { fc, test as prop } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { deadlines, deadlineTimes } from '../functions/invocation.ts';

const times = fc.oneof(
  fc.integer({ min: -1000, max: 900_000 }),
  fc.integer({ min: -5, max: 20 }),
  fc.double({ min: -10, max: 900_000 }),
  fc.double(),
);

describe('the deadlines of a run', () => {
  prop.prop([times])('are whole milliseconds in order, and take any number', (left) => {
    const { drain, stop } = deadlineTimes(left);

    expect(Number.isInteger(drain) && Number.isInteger(stop)).toBe(true);
    expect(drain).toBeGreaterThanOrEqual(0);
    expect(stop).toBeGreaterThanOrEqual(drain);
    expect(stop).toBeLessThanOrEqual(Math.max(0, left || 0));
    expect(() => deadlines(left)).not.toThrow();
  });

  prop.prop([fc.integer({ min: 100, max: 900_000 })])(
    'drain in the last tenth to fifth of the time, at most ten seconds, and stop in the last tenth of that',
    (left) => {
      const { drain, stop } = deadlineTimes(left);

      expect(left - drain).toBeGreaterThanOrEqual(Math.min(10_000, left / 10));
      expect(left - drain).toBeLessThanOrEqual(Math.min(10_000, left / 5) + 1);
      expect(stop).toBeGreaterThan(drain);
      expect(stop).toBeLessThan(left);
      expect(left - stop).toBeLessThanOrEqual((left - drain) / 10 + 1);
    },
  );

  test.each([
    [0, 0, 0],
    [-1, 0, 0],
    [Number.NaN, 0, 0],
    [1, 0, 0],
    [14_999, 11_999, 14_699],
    [15_000.5, 12_000, 14_700],
    [75_000, 65_000, 74_000],
    [900_000, 890_000, 899_000],
    [Number.POSITIVE_INFINITY, 2 ** 31 - 1 - 10_000, 2 ** 31 - 1 - 1000],
  ])('with %d ms left come after %d and %d ms', (left, drain, stop) => {
    expect(deadlineTimes(left)).toEqual({ drain, stop });
  });
});
