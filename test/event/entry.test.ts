import { expect, test } from 'vitest';
import { freeLarge } from '../../functions/event/entry.ts';

test('what is freed of an entry shares its memory with nothing else', () => {
  const own = Buffer.from(new ArrayBuffer(8));
  const shared = Buffer.from(new ArrayBuffer(8)).subarray(4);
  const large = [own, shared].map((value) => ({ path: 'returnvalue', value, isJson: false }));

  freeLarge({ Source: 's', DetailType: 'd', Detail: '{}', large });

  expect([own.length, shared.length]).toEqual([0, 4]);
});
