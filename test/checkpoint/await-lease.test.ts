import { fc, test as prop } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { LEASE_MS, takeLease } from '../../functions/checkpoint/lease.ts';
import { repetitions } from '../effort.ts';
import { createVirtualTime, type Network } from '../virtual-time.ts';
import { asked, diesAt, listen, MINUTE, run } from './lease-runs.ts';

const DAY = 24 * 60 * MINUTE;

describe('a run that waits for a lease', () => {
  test('gives up when it is told to drain', async () => {
    const time = await createVirtualTime();
    const drain = new AbortController();
    time.wait(3 * MINUTE).then(() => drain.abort());

    const [one, two] = await time.until(
      Promise.all([
        run(time, 'one', () => time.wait(4 * MINUTE)),
        run(time, 'two', asked, { start: 1000, signals: { drain: drain.signal } }),
      ]),
    );

    expect(one.ending).toBe('done');
    expect(two).toMatchObject({ ending: 'held', took: Number.NaN, warnings: [] });
  });

  test('that is told to drain at once tries once', async () => {
    const time = await createVirtualTime();
    const signals = { drain: AbortSignal.abort() };

    expect((await time.until(run(time, 'one', async () => {}, { signals }))).ending).toBe('done');
    await takeLease(time.table(), 'shard', 'two');
    expect((await time.until(run(time, 'three', async () => {}, { signals }))).ending).toBe('held');
  });

  test.each([0, 6000, 19_999])(
    'takes over %i ms after another run died, at the latest when its lease expires',
    async (start) => {
      const time = await createVirtualTime();
      const dead = run(time, 'one', asked, { network: diesAt(time, 1) });
      dead.catch(() => undefined);

      const two = await time.until(run(time, 'two', async () => {}, { start: 1 + start }));

      expect(two.took).toBeLessThanOrEqual(LEASE_MS + 500);
    },
  );

  test('takes over from a run that died while it was handing over', async () => {
    const time = await createVirtualTime();
    run(time, 'one', listen(time, 10_000), { network: diesAt(time, 62_000) }).catch(() => undefined);

    const two = await time.until(run(time, 'two', async () => {}, { start: MINUTE }));

    expect(two.took).toBeLessThanOrEqual(62_000 + LEASE_MS + 500);
  });

  prop.prop([fc.constantFrom(-1, 1), fc.integer({ min: 0, max: DAY })], { numRuns: repetitions(100, 25) })(
    'takes over a lease length after a run died whose clock was off by up to a day',
    async (sign, by) => {
      const time = await createVirtualTime();
      run(time, 'one', asked, { offset: sign * by, network: diesAt(time, 30_000) }).catch(() => undefined);

      const two = await time.until(run(time, 'two', async () => {}, { start: 31_000 }));

      expect(two.took).toBeLessThanOrEqual(31_000 + LEASE_MS + 500);
    },
  );

  test('and dies does not make later runs hand over again and again', async () => {
    const time = await createVirtualTime();
    const first = run(time, 'one', listen(time));
    run(time, 'dead', asked, { start: 1000, network: diesAt(time, 1100) }).catch(() => undefined);
    await time.until(first);

    const later = run(time, 'later', async ({ handOver }) => {
      await time.wait(2 * MINUTE);
      expect(handOver.aborted).toBe(false);
    });

    expect(await time.until(later)).toMatchObject({ ending: 'done', warnings: [] });
  });

  test('gets the lease in turn with another run that waits', async () => {
    const time = await createVirtualTime();

    const [one, two, three] = await time.until(
      Promise.all([
        run(time, 'one', listen(time, 100)),
        run(time, 'two', listen(time, 100), { start: 40_000 }),
        run(time, 'three', listen(time, 100), { start: 40_000 }),
        run(time, 'last', async () => {}, { start: 3 * MINUTE }),
      ]),
    );

    for (const { ending, warnings } of [one, two, three])
      expect({ ending, warnings }).toEqual({ ending: 'done', warnings: [] });
    expect(Math.min(two.took, three.took) - one.ended).toBeLessThanOrEqual(500);
  });

  test('for a minute needs 160 writes', async () => {
    const time = await createVirtualTime();
    const drain = new AbortController();
    const stopAt = (milliseconds: number) => time.wait(milliseconds).then(() => drain.abort());
    let writes = 0;
    const network: Network = (send) => {
      writes += 1;
      return send();
    };

    await time.until(
      Promise.all([
        run(time, 'one', () => time.wait(2 * MINUTE)),
        run(time, 'two', asked, { start: 10_000, signals: { drain: drain.signal }, network }),
        stopAt(10_000 + MINUTE),
      ]),
    );

    expect(writes).toBeGreaterThan(100);
    expect(writes).toBeLessThanOrEqual(160);
  });
});
