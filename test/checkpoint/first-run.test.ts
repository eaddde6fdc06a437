import { expect, test } from 'vitest';
import { markSeenWhole, wasSeenWhole } from '../../functions/checkpoint/first-run.ts';
import { dynamoClient, ownTable, setFormat } from '../dynamodb.ts';

const SOURCE = { sourceName: 'default', prefix: 'bull' };

async function ownClock() {
  const client = dynamoClient();
  return { client, table: await ownTable(client), now: () => new Date(), wait: async () => {} };
}

test('a source has been seen whole once a run has noted it', async () => {
  const table = await ownClock();
  expect(await wasSeenWhole(table, SOURCE)).toBe(false);

  await markSeenWhole(table, SOURCE);
  await markSeenWhole(table, SOURCE);

  expect(await wasSeenWhole(table, SOURCE)).toBe(true);
  expect(await wasSeenWhole(table, { ...SOURCE, prefix: 'other' })).toBe(false);
  expect(await wasSeenWhole(table, { ...SOURCE, sourceName: 'other' })).toBe(false);
});

test('a row of a newer format is refused', async () => {
  const table = await ownClock();
  await markSeenWhole(table, SOURCE);
  await setFormat(table, 'default/bull', 'start', 2);

  await expect(wasSeenWhole(table, SOURCE)).rejects.toMatchObject({ code: 'TABLE_FORMAT' });
});

test('without a table has a clear error', async () => {
  const table = { ...(await ownClock()), table: 'no-such-table' };

  await expect(wasSeenWhole(table, SOURCE)).rejects.toMatchObject({ code: 'TABLE_MISSING' });
  await expect(markSeenWhole(table, SOURCE)).rejects.toMatchObject({ code: 'TABLE_MISSING' });
});
