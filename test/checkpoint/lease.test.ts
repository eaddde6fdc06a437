import { describe, expect, test } from 'vitest';
import {
  awaitLease,
  keepLease,
  LEASE_MS,
  type Lease,
  liftLease,
  releaseLease,
  renewLease,
  takeLease,
} from '../../functions/checkpoint/lease.ts';
import { CheckpointError } from '../../functions/errors.ts';
import { dynamoClient, ownTable } from '../dynamodb.ts';

const never = new AbortController().signal;

async function world() {
  const client = dynamoClient();
  let time = Date.parse('2026-11-01T12:00:00Z');
  const table = { client, table: await ownTable(client), now: () => new Date(time) };
  const advance = (milliseconds: number) => {
    time += milliseconds;
  };
  return { table, advance };
}

describe('the lease of a shard', () => {
  test('is held by one run at a time, and the other learns by whom', async () => {
    const { table } = await world();

    expect(await takeLease(table, 'shard', 'one')).toEqual({ key: 'shard', owner: 'one', epoch: 1 });
    expect(await takeLease(table, 'shard', 'two')).toEqual({
      heldBy: 'one',
      expiresAt: table.now().getTime() + LEASE_MS,
    });
  });

  test('goes to one of twenty that reach for it at once', async () => {
    const { table } = await world();

    const taken = await Promise.all(Array.from({ length: 20 }, (_, n) => takeLease(table, 'shard', `run ${n}`)));

    expect(taken.filter((lease) => 'epoch' in lease)).toHaveLength(1);
  });

  test('is waited for until it is given back, ten seconds at most', async () => {
    const { table } = await world();
    const one = (await takeLease(table, 'shard', 'one')) as Lease;
    const waits: number[] = [];
    const giveBackAt = (turn: number) => ({
      ...table,
      wait: async (milliseconds: number) => {
        waits.push(milliseconds);
        if (waits.length === turn) await releaseLease(table, one);
      },
    });

    expect(await awaitLease(giveBackAt(Number.POSITIVE_INFINITY), 'shard', 'two', never)).toMatchObject({
      heldBy: 'one',
    });
    expect(waits.reduce((sum, milliseconds) => sum + milliseconds)).toBe(10_000);
    expect(await awaitLease(giveBackAt(waits.length + 3), 'shard', 'two', never)).toMatchObject({ owner: 'two' });
    expect(waits).toHaveLength(103);
  });

  test('is not waited for by a run that is told to end', async () => {
    const { table } = await world();
    await takeLease(table, 'shard', 'one');

    const held = awaitLease({ ...table, wait: () => Promise.reject(new Error()) }, 'shard', 'two', AbortSignal.abort());
    expect(await held).toMatchObject({ heldBy: 'one' });
  });

  test('can be taken once it is given back or has expired, each time with the next epoch', async () => {
    const { table, advance } = await world();
    await releaseLease(table, (await takeLease(table, 'shard', 'one')) as Lease);

    expect(await takeLease(table, 'shard', 'two')).toMatchObject({ epoch: 2 });
    advance(LEASE_MS + 1);
    expect(await takeLease(table, 'shard', 'three')).toMatchObject({ epoch: 3 });
  });

  test('holds on when it is renewed, and is not given back by a run that lost it', async () => {
    const { table, advance } = await world();
    const one = (await takeLease(table, 'shard', 'one')) as Lease;
    advance(LEASE_MS - 1);
    expect(await renewLease(table, one)).toBe(true);
    advance(LEASE_MS - 1);
    expect(await takeLease(table, 'shard', 'two')).toMatchObject({ heldBy: 'one' });
    advance(2);
    expect(await takeLease(table, 'shard', 'two')).toMatchObject({ epoch: 2 });

    expect(await renewLease(table, one)).toBe(false);
    await releaseLease(table, one);
    expect(await takeLease(table, 'shard', 'three')).toMatchObject({ heldBy: 'two' });
  });

  test('is renewed every third of its time, until another run has it', async () => {
    const { table, advance } = await world();
    const one = (await takeLease(table, 'shard', 'one')) as Lease;
    const waits: number[] = [];
    const wait = async (milliseconds: number) => {
      waits.push(milliseconds);
      advance(waits.length < 5 ? milliseconds : LEASE_MS + 1);
      if (waits.length === 5) await takeLease(table, 'shard', 'two');
    };

    await new Promise<void>((resolve) => keepLease({ ...table, wait }, one, new AbortController().signal, resolve));

    expect(waits).toEqual(Array.from({ length: 5 }, () => LEASE_MS / 3));
  });

  test('that an answer was lost for is still that of the run that asked', async () => {
    const { table } = await world();
    await takeLease(table, 'shard', 'one');

    expect(await takeLease(table, 'shard', 'one')).toEqual({ key: 'shard', owner: 'one', epoch: 1 });
  });

  test('is lifted above an epoch found in a row, and stays there', async () => {
    const { table } = await world();
    const lease = (await takeLease(table, 'shard', 'one')) as Lease;

    const lifted = await liftLease(table, lease, 41);
    expect(lifted?.epoch).toBe(42);
    await renewLease(table, lease);
    await releaseLease(table, lease);
    expect(await takeLease(table, 'shard', 'two')).toMatchObject({ epoch: 43 });
  });

  test('without a table has a clear error', async () => {
    const { table } = await world();

    const taking = takeLease({ ...table, table: 'no-such-table' }, 'shard', 'one');

    await expect(taking).rejects.toBeInstanceOf(CheckpointError);
    await expect(taking).rejects.toMatchObject({
      code: 'TABLE_MISSING',
      message: expect.stringContaining('"no-such-table"; create it'),
    });
  });
});
