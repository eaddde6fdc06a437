import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { all, any, type Condition, is, isAtMost, isWithin, not } from '../../functions/checkpoint/condition.ts';
import { type Row, toAttribute } from '../../functions/checkpoint/row.ts';
import { writeRow } from '../../functions/checkpoint/table.ts';
import { dynamoClient, ownTable } from '../dynamodb.ts';
import { repetitions } from '../effort.ts';

/** A condition, and what it means. */
interface Case {
  readonly condition: Condition;
  readonly holds: (row: Row) => boolean;
}

const KEY = { pk: 'pk', sk: 'sk' };
/** Reserved words of DynamoDB among them. */
const attribute = fc.constantFrom('owner', 'state', 'ttl', 'position');
const number = fc.integer({ min: -2, max: 2 });
const value = fc.oneof(number, fc.constantFrom('', 'a'), fc.boolean(), fc.constant(undefined));

const { tree } = fc.letrec<{ tree: Case }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.tuple(attribute, value).map(([name, expected]) => ({
      condition: is(name, expected),
      holds: (row: Row) => row[name] === expected,
    })),
    fc.tuple(attribute, number).map(([name, most]) => ({
      condition: isAtMost(name, most),
      holds: (row: Row) => !(typeof row[name] === 'number' && row[name] > most),
    })),
    fc.tuple(attribute, number, fc.nat(2)).map(([name, least, more]) => ({
      condition: isWithin(name, least, least + more),
      holds: (row: Row) => typeof row[name] === 'number' && row[name] >= least && row[name] <= least + more,
    })),
    tie('tree').map(({ condition, holds }) => ({ condition: not(condition), holds: (row: Row) => !holds(row) })),
    fc.array(tie('tree'), { minLength: 1, maxLength: 3 }).map((cases) => ({
      condition: all(...cases.map(({ condition }) => condition)),
      holds: (row: Row) => cases.every(({ holds }) => holds(row)),
    })),
    fc.array(tie('tree'), { minLength: 1, maxLength: 3 }).map((cases) => ({
      condition: any(...cases.map(({ condition }) => condition)),
      holds: (row: Row) => cases.some(({ holds }) => holds(row)),
    })),
  ),
}));

const attributes = fc.dictionary(attribute, value, { maxKeys: 4 });

describe('a condition', () => {
  test.prop([fc.array(fc.tuple(tree, attributes), { minLength: 20, maxLength: 20 })], { numRuns: repetitions(20, 10) })(
    'holds for the right rows, with a missing attribute as NULL, and has no parentheses that DynamoDB refuses',
    async (cases) => {
      const client = dynamoClient();
      const table = await ownTable(client);
      for (const [n, [{ condition, holds }, row]] of cases.entries()) {
        const key = { ...KEY, pk: `${n}` };
        const Item = Object.fromEntries(Object.entries({ ...key, ...row }).map(([name, v]) => [name, toAttribute(v)]));
        await client.send(new PutItemCommand({ TableName: table, Item }));

        const outcome = await writeRow({ client, table }, key, { condition });

        expect('written' in outcome).toBe(holds(row));
      }
    },
  );

  test('of a row that does not exist sees no attributes, and a refused write creates none', async () => {
    const client = dynamoClient();
    const table = await ownTable(client);
    const Key = { pk: { S: KEY.pk }, sk: { S: KEY.sk } };

    expect(await writeRow({ client, table }, KEY, { condition: is('owner', 'me') })).toEqual({ refused: undefined });
    expect((await client.send(new GetItemCommand({ TableName: table, Key }))).Item).toBeUndefined();
    expect(await writeRow({ client, table }, KEY, { condition: is('owner', undefined) })).toHaveProperty('written');
  });
});
