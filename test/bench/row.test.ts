import { describe, expect, test } from 'vitest';
import { lambdaDollars } from '../../bench/price.ts';
import { compared, median, toDigits, toMarkdown } from '../../bench/row.ts';

describe('the table', () => {
  test('has ratios to the first program, and names each measurement once', () => {
    const rows = compared(
      'events/s',
      [
        ['loop', 4000],
        ['bullbridge', 10_000],
      ],
      (figure) => figure,
    );

    expect(rows.map((row, i) => toMarkdown(row, rows[i - 1]))).toEqual([
      '| events/s | loop | 4,000 | 1.00 |',
      '|  | bullbridge | 10,000 | 2.50 |',
    ]);
  });

  test.each([
    [12_345.6, '12,346'],
    [123.4, '123'],
    [12.34, '12.3'],
    [0.4321, '0.43'],
  ])('shortens %d', (figure, text) => {
    expect(toDigits(figure)).toBe(text);
  });

  test('has the median of several rounds', () => {
    expect(median([3, 100, 1])).toBe(3);
  });
});

test('a million events of 30 CPU seconds take 207 s at 256 MB, which cost less than a tenth of a cent', () => {
  const seconds = (30 * 1769) / 256;

  expect(lambdaDollars(30)).toBeCloseTo(seconds * 0.25 * 0.0000133334, 8);
  expect(lambdaDollars(30)).toBeLessThan(0.001);
});
