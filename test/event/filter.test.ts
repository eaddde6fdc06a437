import { expect, test } from 'vitest';
import { createFilter, likelyMisspelt } from '../../functions/event/filter.ts';

test('passes the events that are named, and nothing else', () => {
  const passes = createFilter(['completed', 'invoice']);

  expect(['completed', 'invoice', 'failed', undefined].map(passes)).toEqual([true, true, false, false]);
});

test('passes everything with *', () => {
  const passes = createFilter('*');

  expect(['completed', 'anything', undefined].map(passes)).toEqual([true, true, true]);
});

test('notices a slip of the pen', () => {
  expect(likelyMisspelt(['complete', 'failed', 'stalled', 'invoice'])).toEqual([
    { given: 'complete', nearest: 'completed' },
  ]);
});
