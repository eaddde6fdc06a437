import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from 'vitest';
import {
  askForLease,
  LEASE_MS,
  type Lease,
  liftLease,
  releaseLease,
  renewLease,
  takeLease,
} from '../../functions/checkpoint/lease.ts';
import { toAttribute, type Value } from '../../functions/checkpoint/row.ts';
import { CheckpointError } from '../../functions/errors.ts';
import { dynamoClient, ownTable } from '../dynamodb.ts';

const START = Date.parse('2026-11-01T12:00:00Z');
const HOUR = 3_600_000;

async function world() {
  const client = dynamoClient();
  let time = START;
  const table = { client, table: await ownTable(client), now: () => new Date(time) };
  const advance = (milliseconds: number) => {
    time += milliseconds;
  };
  const take = async (owner: string) => (await takeLease(table, 'shard', owner)) as Lease;
  /** Writes the row by hand. */
  const put = (attributes: Readonly<Record<string, Value>>) => {
    const row = { pk: 'shard', sk: 'lease', ...attributes };
    const Item = Object.fromEntries(Object.entries(row).map(([name, value]) => [name, toAttribute(value)]));
    return client.send(new PutItemCommand({ TableName: table.table, Item }));
  };
  return { table, advance, take, put };
}

describe('the lease of a shard', () => {
  test('is held by one run at a time, and the other run learns by which', async () => {
    const { table, take } = await world();

    expect(await take('one')).toEqual({ key: 'shard', owner: 'one', epoch: 1, isDoubtful: false });
    expect(await take('two')).toEqual({ heldBy: { owner: 'one', epoch: 1, expiresAt: START + LEASE_MS } });
    expect(await takeLease(table, 'other shard', 'two')).toMatchObject({ epoch: 1 });
  });

  test('goes to one of twenty runs that take it at the same time', async () => {
    const { take } = await world();

    const taken = await Promise.all(Array.from({ length: 20 }, (_, n) => take(`run ${n}`)));

    expect(taken.filter((lease) => 'epoch' in lease)).toHaveLength(1);
  });

  test('can be taken once it is released or has expired, each time with the next epoch', async () => {
    const { table, advance, take } = await world();
    await releaseLease(table, await take('one'));

    expect(await take('two')).toMatchObject({ epoch: 2 });
    advance(LEASE_MS + 1);
    expect(await take('three')).toMatchObject({ epoch: 3 });
  });

  test('is valid while it is renewed, and is not released by a run that lost it', async () => {
    const { table, advance, take } = await world();
    const one = await take('one');
    advance(LEASE_MS - 1);
    expect(await renewLease(table, one)).toMatchObject({ owner: 'one' });
    advance(LEASE_MS - 1);
    expect(await take('two')).toMatchObject({ heldBy: { owner: 'one' } });
    advance(2);
    expect(await take('two')).toMatchObject({ epoch: 2 });

    expect(await renewLease(table, one)).toBeUndefined();
    await releaseLease(table, one);
    expect(await take('three')).toMatchObject({ heldBy: { owner: 'two' } });
  });

  test('can be taken before it expires from a run that did not renew it', async () => {
    const { table, take } = await world();
    await take('one');
    const { heldBy } = (await takeLease(table, 'shard', 'two')) as unknown as { heldBy: object };

    expect(await takeLease(table, 'shard', 'two', heldBy)).toMatchObject({ epoch: 2 });
    expect(await takeLease(table, 'shard', 'three', heldBy)).toMatchObject({ heldBy: { owner: 'two' } });
  });

  test('belongs to the run that took it even if the answer was lost', async () => {
    const { take } = await world();
    await take('one');

    expect(await take('one')).toEqual({ key: 'shard', owner: 'one', epoch: 1, isDoubtful: false });
  });

  test.each([
    ['a day ahead', START + 24 * HOUR],
    ['three leases ahead', START + 3 * LEASE_MS],
    ['two leases and a millisecond ahead', START + 2 * LEASE_MS + 1],
    ['in the past', START - 1],
    ['zero', 0],
    ['negative', -5],
    ['a fraction of the past', 0.5],
    ['as large as a number can be', Number.MAX_SAFE_INTEGER],
    ['no number', 'NaN'],
    ['a truth', true],
    ['NULL', undefined],
  ])('is free if its expiry time is %s', async (_, expiresAt) => {
    const { take, put } = await world();
    await put({ owner: 'one', epoch: 7, expiresAt });

    expect(await take('two')).toMatchObject({ epoch: 8 });
  });

  test.each([1, LEASE_MS, 2 * LEASE_MS])('is held if it expires in %i ms', async (ahead) => {
    const { take, put } = await world();
    await put({ owner: 'one', epoch: 7, expiresAt: START + ahead });

    expect(await take('two')).toMatchObject({ heldBy: { owner: 'one' } });
  });

  test.each([
    ['everything', {}],
    ['its end', { owner: 'one', epoch: 7 }],
    ['its end and its epoch', { owner: 'one' }],
    ['its owner', { epoch: 7, expiresAt: 0 }],
    ['its owner and its end', { epoch: 7 }],
  ])('can be taken, renewed and released if its row lacks %s', async (_, attributes) => {
    const { table, take, put } = await world();
    await put(attributes);

    const two = await take('two');

    expect(two).toMatchObject({ owner: 'two', epoch: ('epoch' in attributes ? 7 : 0) + 1 });
    expect(await renewLease(table, two)).toMatchObject({ owner: 'two' });
    await releaseLease(table, two);
    expect(await take('three')).toMatchObject({ epoch: two.epoch + 1 });
  });

  test.each([
    ['its owner', { epoch: 7, expiresAt: START + 5 }],
    ['its epoch', { owner: 'one', expiresAt: START + 5 }],
  ])('can be asked for, and taken when it expires, if its row lacks %s', async (_, attributes) => {
    const { table, advance, take, put } = await world();
    await put(attributes);
    const { heldBy } = (await takeLease(table, 'shard', 'two')) as unknown as { heldBy: object };

    expect(await askForLease(table, 'shard', 'two', { heldBy, since: START })).toBe(true);
    advance(6);
    expect(await take('two')).toMatchObject({ owner: 'two' });
  });

  test('without a table has a clear error', async () => {
    const { table } = await world();

    const taking = takeLease({ ...table, table: 'no-such-table' }, 'shard', 'one');

    await expect(taking).rejects.toBeInstanceOf(CheckpointError);
    await expect(taking).rejects.toMatchObject({
      code: 'TABLE_MISSING',
      message: expect.stringContaining('There is no checkpoint table ("no-such-table")'),
    });
  });
});

describe('a released lease stays released', () => {
  test.each<[string, (table: Awaited<ReturnType<typeof world>>['table'], lease: Lease) => Promise<unknown>]>([
    ['a renewal', renewLease],
    ['a second release', releaseLease],
    ['a lift', (table, lease) => liftLease(table, lease, 41)],
    ['the second lift', (table, lease) => liftLease(table, { ...lease, epoch: 42 }, 41)],
    ['the write that took it', (table, { key, owner }) => takeLease(table, key, owner)],
    ['a request', (table, { key }) => askForLease(table, key, 'two', { heldBy: { epoch: 1 }, since: START })],
  ])('when %s arrives late', async (_, late) => {
    const { table, take } = await world();
    const one = await take('one');
    await releaseLease(table, one);

    await late(table, one);
    await late(table, one);

    expect(await take('two')).toMatchObject({ key: 'shard', owner: 'two', epoch: 2 });
  });

  test('and a late write does not disturb the run that took it meanwhile', async () => {
    const { table, take } = await world();
    const one = await take('one');
    await releaseLease(table, one);
    const two = await take('two');

    expect(await renewLease(table, one)).toBeUndefined();
    expect(await liftLease(table, one, 41)).toBeUndefined();
    expect(await askForLease(table, 'shard', 'three', { heldBy: { epoch: 1 }, since: START })).toBe(false);
    await releaseLease(table, one);

    expect(await renewLease(table, two)).toEqual({ owner: 'two', epoch: 2, expiresAt: START + LEASE_MS });
  });
});

describe('a request for the lease', () => {
  test('is seen by the run that renews it, and removed by the next run that takes it', async () => {
    const { table, take } = await world();
    const one = await take('one');
    const heldBy = { epoch: 1 };

    expect(await askForLease(table, 'shard', 'two', { heldBy, since: START })).toBe(true);
    expect(await renewLease(table, one)).toMatchObject({ waiter: 'two' });
    await releaseLease(table, one);
    const three = await take('three');

    expect((await renewLease(table, three))?.waiter).toBeUndefined();
  });
});

describe('the epoch of a lease is raised', () => {
  test('above an epoch found in a row, and stays there', async () => {
    const { table, take } = await world();

    const lifted = await liftLease(table, await take('one'), 41);

    expect(lifted?.epoch).toBe(42);
    await releaseLease(table, lifted as Lease);
    expect(await take('two')).toMatchObject({ epoch: 43 });
  });

  test('also if the answer was lost and the write was sent again', async () => {
    const { table, take } = await world();
    const one = await take('one');
    await liftLease(table, one, 41);

    expect(await liftLease(table, one, 41)).toMatchObject({ epoch: 42 });
  });
});

describe('a run doubts the previous run', () => {
  test('that did not record that all positions are saved: it crashed, failed, or still runs', async () => {
    const { table, take, advance } = await world();
    const first = await take('first');
    await releaseLease(table, first as Lease, true);
    const second = await take('second');
    await releaseLease(table, second as Lease);
    const third = await take('third');
    advance(LEASE_MS + 1);
    const fourth = await take('fourth');
    const lifted = await liftLease(table, fourth as Lease, 41);
    await releaseLease(table, lifted as Lease, true);
    const fifth = await take('fifth');

    expect([first, second, third, fourth, fifth]).toMatchObject(
      [false, false, true, true, false].map((isDoubtful) => ({ isDoubtful })),
    );
  });
});
