import { describe, expect, test } from 'vitest';
import { cut, pad, printable, widthOf } from '../../local/start/text-width.ts';

describe('widthOf', () => {
  test.each([
    ['', 0],
    ['Job Completed', 13],
    ['é', 1],
    ['e\u0301', 1],
    ['日本語', 6],
    ['ｱ', 1],
    ['Ａ', 2],
    ['한국', 4],
    ['😀', 2],
    ['👨‍👩‍👧', 2],
    ['🇩🇪', 2],
    ['1️⃣', 2],
    ['\u200b', 0],
    ['…', 1],
  ])('of %j is %i', (text, width) => {
    expect(widthOf(text)).toBe(width);
  });
});

describe('cut', () => {
  test.each([
    ['abc', 3, 'abc'],
    ['abcd', 3, 'ab…'],
    ['日本語', 6, '日本語'],
    ['日本語', 5, '日本…'],
    ['日本語', 4, '日…'],
    ['a👨‍👩‍👧b', 2, 'a…'],
    ['ab', 1, '…'],
    ['ab', 0, ''],
    ['ab', -1, ''],
    ['ab', Number.POSITIVE_INFINITY, 'ab'],
  ])('of %j to %d columns is %j', (text, columns, expected) => {
    expect(cut(text, columns)).toBe(expected);
  });
});

test('pad counts columns, not characters', () => {
  expect(pad('日本', 6)).toBe('日本  ');
  expect(pad('日本', 3)).toBe('日本');
});

describe('printable', () => {
  test.each([
    ['\u001b[31mred', '\\u001b[31mred'],
    ['a\nb\r\tc', 'a\\u000ab\\u000d\\u0009c'],
    ['\u009b2J', '\\u009b2J'],
    ['\u007f', '\\u007f'],
    ['\u0000\u0007', '\\u0000\\u0007'],
    ['\u202efdp.exe', '\\u202efdp.exe'],
    ['\u2028', '\\u2028'],
    ['日本 😀 👨‍👩‍👧', '日本 😀 👨‍👩‍👧'],
  ])('of %j is %j', (text, expected) => {
    expect(printable(text)).toBe(expected);
  });
});
