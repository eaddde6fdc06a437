import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { firstRunKey, gapKey, gapPartition, leaseKey, positionKey } from '../../functions/checkpoint/keys.ts';
import { writeRow } from '../../functions/checkpoint/table.ts';
import { dynamoClient, ownTable } from '../dynamodb.ts';

const SOURCE = { sourceName: 'default', prefix: 'bull' };
const bytesOf = (text: string) => Buffer.byteLength(text);
/** Names of any characters, around the lengths that a key may have. */
const unit = fc.oneof(fc.constantFrom('q', 'é', '語', '👾', '/', ':', '~', '\0'), fc.string({ maxLength: 3 }));
const name = fc
  .tuple(fc.array(unit, { minLength: 1, maxLength: 8 }), fc.oneof(fc.constant(1), fc.integer({ min: 100, max: 700 })))
  .map(([units, times]) => units.join('').repeat(times));
const id = fc.constantFrom('0-0', '1795398834833-0', '18446744073709551615-18446744073709551615');

describe('the keys of a row', () => {
  test('are the same as in earlier versions, as long as DynamoDB accepts them', () => {
    const long = 'q'.repeat(1024 - '/1795398834833-0'.length);
    expect(positionKey('default/bull:emails')).toEqual({ pk: 'default/bull:emails', sk: 'position' });
    expect(positionKey('é'.repeat(1024))).toEqual({ pk: 'é'.repeat(1024), sk: 'position' });
    expect(leaseKey('default/bull/shard/0/1')).toEqual({ pk: 'default/bull/shard/0/1', sk: 'lease' });
    expect(firstRunKey(SOURCE)).toEqual({ pk: 'default/bull', sk: 'start' });
    expect(gapPartition(SOURCE)).toBe('default/bull/gaps');
    expect(gapKey(SOURCE, 'emails', '7-0')).toEqual({ pk: 'default/bull/gaps', sk: 'emails/7-0' });
    expect(gapKey(SOURCE, long, '1795398834833-0').sk).toBe(`${long}/1795398834833-0`);
  });

  test('of a long name begin with its first whole characters, and end with its hash', () => {
    expect(positionKey('語'.repeat(683))).toEqual({
      pk: `${'語'.repeat(66)}~Q33mIIifz3OZSjmVwUDdGHRKshjGa6XPDCPD0Dka9ec`,
      sk: 'position',
    });
  });

  test.prop([fc.uniqueArray(name, { minLength: 2, maxLength: 2 }), id])(
    'are within the limits of DynamoDB, and unique',
    ([a, b], afterId) => {
      const [one, two] = [a, b].map((queue) => ({
        position: positionKey(`default/bull:${queue}`),
        gap: gapKey(SOURCE, queue as string, afterId),
      }));
      for (const { pk, sk } of [one?.position, one?.gap].filter((key) => key !== undefined)) {
        expect(bytesOf(pk)).toBeLessThanOrEqual(2048);
        expect(bytesOf(sk)).toBeLessThanOrEqual(1024);
      }
      expect(one?.position).not.toEqual(two?.position);
      expect(one?.gap).not.toEqual(two?.gap);
    },
  );

  test.prop([fc.array(fc.tuple(name, id), { minLength: 10, maxLength: 10 })], { numRuns: 5 })(
    'are accepted by the server',
    async (names) => {
      const client = dynamoClient();
      const table = { client, table: await ownTable(client) };
      for (const [queue, afterId] of names) {
        const condition = () => ({ text: 'attribute_not_exists(pk) OR attribute_exists(pk)' });
        for (const key of [positionKey(`default/bull:${queue}`), gapKey(SOURCE, queue, afterId)])
          expect(await writeRow(table, key, { condition })).toMatchObject({ written: key });
      }
    },
  );
});
