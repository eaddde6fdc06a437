import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { rateOf } from '../../functions/forward/forecast.ts';

const NOW = 1_795_398_834_833;
const pace = fc
  .record({ entries: fc.integer({ min: 1, max: 1e6 }), span: fc.nat(1e9) })
  .map(({ entries, span }) => ({ entries, first: NOW - span, last: NOW }));

describe('the rate of a stream', () => {
  test.prop([pace, fc.nat(1e5), fc.nat(1e9)])(
    'is never below that of the whole stream, nor of what came last',
    (stream, arrived, ago) => {
      const rate = rateOf(stream, arrived, NOW - ago);

      const longest = Math.max(1000, NOW - stream.first);
      expect(rate).toBeGreaterThanOrEqual(stream.entries / longest);
      expect(rate).toBeGreaterThanOrEqual(arrived / Math.max(1000, ago));
      expect(rate).toBeGreaterThanOrEqual(rateOf(stream, arrived, undefined));
      expect(rate).toBeLessThanOrEqual(Math.max(stream.entries, arrived) / 1000);
    },
  );

  test('is that of the stream right after a run that had read all', () => {
    expect(rateOf({ entries: 10_000, first: NOW - 10_000, last: NOW }, 3, NOW - 5)).toBe(1);
  });

  test('is that of a burst, though the stream is old', () => {
    expect(rateOf({ entries: 10_000, first: NOW - 86_400_000, last: NOW }, 5000, NOW - 2500)).toBe(2);
  });

  test('is not taken from entries of one millisecond', () => {
    expect(rateOf({ entries: 4, first: NOW, last: NOW }, 4, NOW)).toBe(0.004);
  });
});
