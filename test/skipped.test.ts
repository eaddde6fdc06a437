import { describe, expect, test } from 'vitest';
import { faultsOf, listSkipped } from './skipped.ts';

const REDIS = 'redis-server on the PATH (apt-get install redis-server)';
const OPENSSL = 'openssl on the PATH (apt-get install openssl)';
const needing = (need: string, count: number) =>
  Array.from({ length: count }, (_, n) => ({ name: `a.test.ts > ${need} ${n}`, note: `needs ${need}` }));
const unexplained = (count: number, note?: string) =>
  Array.from({ length: count }, (_, n) => ({ name: `b.test.ts > test ${n}`, note }));

describe('the list of skipped tests', () => {
  test.each([
    ['is empty where nothing was skipped', [], []],
    ['has no tests without a need', unexplained(2), []],
    ['counts one test', needing(OPENSSL, 1), ['Skipped 1 test:', `  1 needs ${OPENSSL}`]],
    [
      'groups tests by what they need, the most first',
      [...needing(OPENSSL, 3), ...needing(REDIS, 38), ...unexplained(1)],
      ['Skipped 41 tests:', `  38 need ${REDIS}`, `   3 need ${OPENSSL}`],
    ],
  ])('%s', (_, skipped, lines) => {
    expect(listSkipped(skipped)).toEqual(lines);
  });
});

describe('a run', () => {
  test.each([
    ['without a skipped test', [], true],
    ['whose skipped tests name their need, outside CI', needing(REDIS, 2), false],
  ])('%s does not fail for skipped tests', (_, skipped, onCI) => {
    expect(faultsOf(skipped, onCI)).toEqual([]);
  });

  test.each([
    ['that skipped a test on CI', needing(REDIS, 2), true, ['on CI no test may be skipped']],
    ['that skipped a test without a note', unexplained(1), false, ['name no need', 'b.test.ts > test 0']],
    [
      'that skipped a test with another note',
      unexplained(1, 'too slow'),
      false,
      ['name no need', 'b.test.ts > test 0'],
    ],
    [
      'that skipped tests of both kinds on CI',
      [...needing(REDIS, 1), ...unexplained(1)],
      true,
      ['name no need', 'test 0', 'on CI'],
    ],
    ['that skipped many tests', unexplained(12), false, ['name no need', ...Array(10).fill('test '), 'and 2 more']],
  ])('%s fails with a reason', (_, skipped, onCI, parts) => {
    const faults = faultsOf(skipped, onCI);
    expect(faults).toEqual(parts.map((part) => expect.stringContaining(part)));
  });
});
