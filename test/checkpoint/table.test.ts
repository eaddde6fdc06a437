import { describe, expect, test } from 'vitest';
import { is, not } from '../../functions/checkpoint/condition.ts';
import { type Table, writeRow } from '../../functions/checkpoint/table.ts';
import { dynamoClient, ownTable, setFormat } from '../dynamodb.ts';

const KEY = { pk: 'pk', sk: 'sk' };
const anything = not(is('pk', 'nothing'));

async function checkpointTable(): Promise<Table> {
  const client = dynamoClient();
  return { client, table: await ownTable(client) };
}

describe('a row of the table', () => {
  test('has the written values, also under names that are reserved words', async () => {
    const table = await checkpointTable();
    const set = { owner: 'one', ttl: 12, state: true, values: ['a', ''], position: undefined };

    const outcome = await writeRow(table, KEY, { set, add: { count: 2 }, condition: anything });

    const { position, ...present } = set;
    expect(outcome).toEqual({ written: { ...KEY, ...present, count: 2, format: 1 } });
  });

  test('is changed in all ways at once', async () => {
    const table = await checkpointTable();
    await writeRow(table, KEY, { set: { a: 1, b: 'x' }, add: { count: 2 }, condition: anything });

    const outcome = await writeRow(table, KEY, {
      set: { a: 2 },
      add: { count: 3 },
      remove: ['b'],
      condition: anything,
    });

    expect(outcome).toEqual({ written: { ...KEY, a: 2, count: 5, format: 1 } });
  });

  test('is returned unchanged if the condition does not hold', async () => {
    const table = await checkpointTable();
    await writeRow(table, KEY, { set: { a: 1 }, condition: anything });

    expect(await writeRow(table, KEY, { set: { a: 2 }, condition: is('a', 2) })).toEqual({
      refused: { ...KEY, a: 1, format: 1 },
    });
  });

  test('of a newer version is not changed, whatever the condition', async () => {
    const table = await checkpointTable();
    await writeRow(table, KEY, { set: { a: 1 }, condition: anything });
    await setFormat(table, KEY.pk, KEY.sk, 2);

    await expect(writeRow(table, KEY, { set: { a: 2 }, condition: anything })).rejects.toMatchObject({
      code: 'TABLE_FORMAT',
      message: expect.stringContaining('the row "pk sk" has format 2'),
    });
    await setFormat(table, KEY.pk, KEY.sk, 1);
    expect(await writeRow(table, KEY, { condition: is('a', 1) })).toHaveProperty('written');
  });
});
