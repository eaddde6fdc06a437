import { type BatchGetItemCommand, type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { firstRunOf } from '../../functions/checkpoint/first-run.ts';
import { dynamoClient, ownTable, setFormat } from '../dynamodb.ts';

const START = Date.parse('2026-11-01T12:00:00Z');
const SOURCE = { sourceName: 'default', prefix: 'bull' };

async function ownClock() {
  const client = dynamoClient();
  const table = await ownTable(client);
  return { at: (time: number) => ({ client, table, now: () => new Date(time) }) };
}

test('the moment of the first run stays the same for all that follow', async () => {
  const { at } = await ownClock();

  expect(await firstRunOf(at(START), SOURCE)).toBe(START);
  expect(await firstRunOf(at(START + 60_000), SOURCE)).toBe(START);
});

test('that another run was first is found out also where the row was not', async () => {
  const { at } = await ownClock();
  await firstRunOf(at(START), SOURCE);
  const later = at(START + 1);
  // As DynamoDB answers when it is busy, and as it answers just before the other run writes.
  const send = (command: UpdateItemCommand | BatchGetItemCommand) =>
    command instanceof UpdateItemCommand ? later.client.send(command) : Promise.resolve({ Responses: {} });

  expect(await firstRunOf({ ...later, client: { send } as DynamoDBClient }, SOURCE)).toBe(START);
});

test('each source and prefix has a moment of its own', async () => {
  const { at } = await ownClock();
  await firstRunOf(at(START), SOURCE);

  expect(await firstRunOf(at(START + 1), { ...SOURCE, prefix: 'other' })).toBe(START + 1);
  expect(await firstRunOf(at(START + 2), { ...SOURCE, sourceName: 'other' })).toBe(START + 2);
});

test('a row of a newer format is refused', async () => {
  const { at } = await ownClock();
  await firstRunOf(at(START), SOURCE);
  await setFormat(at(START), 'default/bull', 'start', 2);

  await expect(firstRunOf(at(START), SOURCE)).rejects.toMatchObject({ code: 'TABLE_FORMAT' });
});

test('without a table has a clear error', async () => {
  const { at } = await ownClock();

  await expect(firstRunOf({ ...at(START), table: 'no-such-table' }, SOURCE)).rejects.toMatchObject({
    code: 'TABLE_MISSING',
  });
});
