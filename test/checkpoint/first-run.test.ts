import { expect, test } from 'vitest';
import { markSeenWhole, seenWholeAt } from '../../functions/checkpoint/first-run.ts';
import { dynamoClient, ownTable, setFormat } from '../dynamodb.ts';

const SOURCE = { sourceName: 'default', prefix: 'bull' };

async function ownClock() {
  const client = dynamoClient();
  return { client, table: await ownTable(client), now: () => new Date(1_800_000_000_000), wait: async () => {} };
}

test('a source was seen as a whole once a run has recorded it', async () => {
  const table = await ownClock();
  expect(await seenWholeAt(table, SOURCE)).toBeUndefined();

  await markSeenWhole(table, SOURCE);
  await markSeenWhole(table, SOURCE);

  expect(await seenWholeAt(table, SOURCE)).toBe(1_800_000_000_000);
  expect(await seenWholeAt(table, { ...SOURCE, prefix: 'other' })).toBeUndefined();
  expect(await seenWholeAt(table, { ...SOURCE, sourceName: 'other' })).toBeUndefined();
});

test('a row of a newer format is refused', async () => {
  const table = await ownClock();
  await markSeenWhole(table, SOURCE);
  await setFormat(table, 'default/bull', 'start', 2);

  await expect(seenWholeAt(table, SOURCE)).rejects.toMatchObject({ code: 'TABLE_FORMAT' });
});

test('without a table has a clear error', async () => {
  const table = { ...(await ownClock()), table: 'no-such-table' };

  await expect(seenWholeAt(table, SOURCE)).rejects.toMatchObject({ code: 'TABLE_MISSING' });
  await expect(markSeenWhole(table, SOURCE)).rejects.toMatchObject({ code: 'TABLE_MISSING' });
});
