import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { askForLease, LEASE_MS, takeLease } from '../../functions/checkpoint/lease.ts';
import { SupersededError } from '../../functions/checkpoint/superseded.ts';
import { createVirtualTime, type Network, START } from '../virtual-time.ts';
import { listen, MINUTE, run } from './lease-runs.ts';

describe('a run that works under a lease', () => {
  test('keeps it as long as no run waits for it, and releases it at the end', async () => {
    const time = await createVirtualTime();
    const signals: boolean[] = [];

    const { ending } = await time.until(
      run(time, 'one', async ({ handOver, lost }) => {
        await time.wait(3 * MINUTE);
        signals.push(handOver.aborted, lost.aborted);
      }),
    );

    expect(ending).toBe('done');
    expect(signals).toEqual([false, false]);
    expect(await takeLease(time.table(), 'shard', 'two')).toMatchObject({ epoch: 2 });
  });

  test.each([
    ['12 seconds early', 48_000, LEASE_MS / 3],
    ['in the middle of the interval', 30_000, LEASE_MS / 3],
    ['just then', MINUTE, 500],
    ['12 seconds late', 72_000, 500],
    ['minutes late', 3 * MINUTE, 500],
  ])('hands over to a successor that comes %s, without a pause', async (_, start, most) => {
    const time = await createVirtualTime();

    const [one, two] = await time.until(
      Promise.all([run(time, 'one', listen(time, 200)), run(time, 'two', async () => {}, { start })]),
    );

    expect(one).toMatchObject({ ending: 'done', warnings: [] });
    expect(one.ended - start).toBeLessThanOrEqual(most + 200);
    expect(two.took).toBeGreaterThanOrEqual(one.ended);
    expect(two.took - one.ended).toBeLessThanOrEqual(most === 500 ? 100 : 500);
  });

  test('finishes its work, however long it takes, and its successor waits', async () => {
    const time = await createVirtualTime();

    const [one, two] = await time.until(
      Promise.all([run(time, 'one', listen(time, 2 * MINUTE)), run(time, 'two', async () => {}, { start: 1000 })]),
    );

    expect(one).toMatchObject({ ending: 'done', warnings: [] });
    expect(two.took - one.ended).toBeLessThanOrEqual(500);
  });

  test('ends when another run took its lease', async () => {
    const time = await createVirtualTime();
    const reasons: unknown[] = [];

    const [one, two] = await time.until(
      Promise.all([
        run(time, 'one', async ({ lost }) => {
          await once(lost, 'abort');
          reasons.push(lost.reason);
        }),
        // Its clock is ahead.
        run(time, 'two', async () => time.wait(MINUTE), { start: 1000, offset: MINUTE }),
      ]),
    );

    expect(reasons).toEqual([expect.any(SupersededError)]);
    expect(one).toMatchObject({
      ending: 'superseded',
      warnings: ['Stopped: the lease was taken by another run, which continues from the saved positions.'],
    });
    expect(two).toMatchObject({ ending: 'done', warnings: [] });
  });

  test('ends as superseded when its work notices it', async () => {
    const time = await createVirtualTime();

    const one = await time.until(
      run(time, 'one', async () => {
        throw new SupersededError('a position was moved');
      }),
    );

    expect(one).toMatchObject({ ending: 'superseded', warnings: [expect.stringContaining('a position was moved')] });
    expect(await takeLease(time.table(), 'shard', 'two')).toMatchObject({ epoch: 2 });
  });

  test('fails with the error of its work, and releases the lease', async () => {
    const time = await createVirtualTime();
    const failing = run(time, 'one', () => Promise.reject(new Error('broken')));

    await expect(time.until(failing)).rejects.toThrow('broken');
    expect(await takeLease(time.table(), 'shard', 'two')).toMatchObject({ epoch: 2 });
  });

  test('warns if it cannot release the lease, and does not fail', async () => {
    const time = await createVirtualTime();
    const network: Network = (send, { input }) =>
      Object.values(input.ExpressionAttributeValues ?? {}).some(({ N }) => N === '0')
        ? Promise.reject(new Error('no answer'))
        : send();

    const one = await time.until(run(time, 'one', async () => {}, { network }));

    expect(one).toMatchObject({ ending: 'done', warnings: [expect.stringContaining('no answer')] });
  });

  test('keeps its lease when two renewals in a row fail', async () => {
    const time = await createVirtualTime();
    const network: Network = (send) =>
      time.elapsed() > 1000 && time.elapsed() < (2 * LEASE_MS) / 3 + 1000 ? Promise.reject(new Error()) : send();

    const [one, two] = await time.until(
      Promise.all([run(time, 'one', listen(time), { network }), run(time, 'two', async () => {}, { start: 100 })]),
    );

    expect(one).toMatchObject({ ending: 'done', warnings: [] });
    expect(two.took).toBeGreaterThanOrEqual(one.ended);
  });

  test('learns from a confirmation whether it has the lease, and whether another run waits', async () => {
    const time = await createVirtualTime();
    const table = time.table();

    const one = await time.until(
      run(time, 'one', async ({ lease, handOver, lost }) => {
        await lease.confirm();
        await askForLease(table, 'shard', 'two', { heldBy: { epoch: lease.epoch }, since: START });
        await lease.confirm();
        expect(handOver.aborted).toBe(true);
        const abandoned = { epoch: lease.epoch, expiresAt: START + LEASE_MS };
        await takeLease(table, 'shard', 'two', abandoned);
        await expect(lease.confirm()).rejects.toBeInstanceOf(SupersededError);
        expect(lost.aborted).toBe(true);
      }),
    );

    expect(one.ending).toBe('superseded');
  });

  test('keeps a lease whose epoch it has raised, also while a renewal is under way', async () => {
    const time = await createVirtualTime();

    const one = await time.until(
      run(time, 'one', async ({ lease }) => {
        await Promise.all([lease.confirm(), lease.liftAbove(41), lease.confirm()]);
        expect(lease.epoch).toBe(42);
        await time.wait(MINUTE);
      }),
    );

    expect(one).toMatchObject({ ending: 'done', warnings: [] });
    expect(await takeLease(time.table(), 'shard', 'two')).toMatchObject({ epoch: 43 });
  });

  test('does not keep a lease that another run took before its epoch was raised', async () => {
    const time = await createVirtualTime();

    const one = await time.until(
      run(time, 'one', async ({ lease }) => {
        const abandoned = { epoch: lease.epoch, expiresAt: START + LEASE_MS };
        await takeLease(time.table(), 'shard', 'two', abandoned);
        await lease.liftAbove(41);
      }),
    );

    expect(one.ending).toBe('superseded');
    expect(await takeLease(time.table(), 'shard', 'three')).toMatchObject({ heldBy: { owner: 'two', epoch: 2 } });
  });
});

test('a run checks for its successor at each renewal, and twice a second once the successor is due', async () => {
  const time = await createVirtualTime();
  const looks: number[] = [];
  const network: Network = (send) => {
    looks.push(time.elapsed());
    return send();
  };

  await time.until(run(time, 'one', () => time.wait(61_900), { network }));

  expect(looks.map(Math.round)).toEqual([
    ...[0, 6667, 13_333, 20_000, 26_667, 33_333, 40_000, 46_667, 53_333, 60_000],
    ...[60_500, 61_000, 61_500, 61_900],
  ]);
});
