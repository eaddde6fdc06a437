import { expect, test } from 'vitest';
import { createFilter, likelyMisspelt } from '../../functions/event/filter.ts';

test('passes only the named events', () => {
  const passes = createFilter(['completed', 'invoice']);

  expect(['completed', 'invoice', 'failed', undefined].map(passes)).toEqual([true, true, false, false]);
});

test('passes everything with *', () => {
  const passes = createFilter('*');

  expect(['completed', 'anything', undefined].map(passes)).toEqual([true, true, true]);
});

test('notices a misspelt name', () => {
  expect(likelyMisspelt(['complete', 'failed', 'stalled', 'invoice'])).toEqual([
    { given: 'complete', nearest: 'completed' },
  ]);
});
