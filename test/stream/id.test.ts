import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { compareIds, idTime } from '../../functions/stream/id.ts';

const half = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

test.prop([half, half, half, half])('ids compare as pairs of 64-bit numbers', (aMs, aSeq, bMs, bSeq) => {
  const expected = aMs === bMs ? aSeq - bSeq : aMs - bMs;

  const order = compareIds(`${aMs}-${aSeq}`, `${bMs}-${bSeq}`);

  expect(Math.sign(order)).toBe(expected < 0n ? -1 : expected > 0n ? 1 : 0);
});

test('a sequence of 10 comes after one of 9', () => {
  expect(compareIds('1795398834833-10', '1795398834833-9')).toBeGreaterThan(0);
});

test('the time of an id is its first half', () => {
  expect(idTime('1795398834833-12')).toBe(1_795_398_834_833);
});
