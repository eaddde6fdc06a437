import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { slotOf } from '../../functions/redis/slot.ts';
import { ownServer } from '../replicas.ts';
import { testWith } from '../test-with.ts';

const key = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: fc.constantFrom('{', '}', 'a', 'ü') }));

testWith('native server')('a key has the same slot as in Redis', async () => {
  const { admin } = await ownServer(['--cluster-enabled', 'yes']);

  await fc.assert(
    fc.asyncProperty(key, async (text) => {
      expect(slotOf(text)).toBe(await admin.call('CLUSTER', 'KEYSLOT', text));
      expect(slotOf(Buffer.from(text))).toBe(slotOf(text));
    }),
    { numRuns: 500 },
  );
});

test('keys with the same text in braces have the same slot', () => {
  expect(slotOf('{bull}:a:events')).toBe(slotOf('{bull}:b:events'));
  expect(slotOf('bull:{a}:events')).toBe(slotOf('bull:{a}:meta'));
  expect(slotOf('bull:{a}:events')).not.toBe(slotOf('bull:{b}:events'));
});
