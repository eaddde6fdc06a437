import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { dimensionValue } from '../functions/metrics.ts';
import { anyCharacter } from './any-character.ts';

describe('the value of a dimension', () => {
  test.each([
    ['emails', 'emails'],
    ['{bull}', '{bull}'],
    ['a b', 'a b'],
    ['', '%'],
    [' ', '%20'],
    ['   ', '%20  '],
    [':emails', '%3Aemails'],
    ['a:b', 'a:b'],
    ['日本', '%E6%97%A5%E6%9C%AC'],
    ['a\tb\nc\0', 'a%09b%0Ac%00'],
    ['50%', '50%25'],
    ['\u007f', '%7F'],
  ])('of %j is %j', (text, value) => {
    expect(dimensionValue(text)).toBe(value);
  });

  test('of a long text ends with a hash of the whole', () => {
    const [one, other] = ['a', 'b'].map((end) => dimensionValue('x'.repeat(2000) + end));
    expect(one).toHaveLength(1024);
    expect(one).not.toBe(other);
  });

  test.prop([fc.string({ unit: anyCharacter, maxLength: 2000 }), fc.string({ unit: anyCharacter, maxLength: 2000 })])(
    'is valid for CloudWatch, and differs for each text',
    (one, other) => {
      const value = dimensionValue(one);
      expect(value).toMatch(/^(?!:)(?=.*\S)[ -~]{1,1024}$/);
      expect(value === dimensionValue(other)).toBe(one === other);
    },
  );
});
