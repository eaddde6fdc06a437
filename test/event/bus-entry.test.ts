import { expect, test } from 'vitest';
import { freeBytes, MAX_REQUEST_BYTES } from '../../functions/event/bus-entry.ts';

test('the freed bytes of an entry share no memory with others', () => {
  const bytes = 2 * MAX_REQUEST_BYTES;
  const own = Buffer.from(new ArrayBuffer(bytes));
  const shared = Buffer.from(new ArrayBuffer(bytes + 4)).subarray(4);
  const fields = [own, shared].map((each) => ({ path: 'returnvalue', kind: 'text', bytes: each }) as const);

  freeBytes({ Source: 's', DetailType: 'd', Detail: { id: 'i', envelope: '{', fields } });

  expect([own.length, shared.length]).toEqual([0, bytes]);
});
