import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { LEASE_MS } from '../../functions/checkpoint/lease.ts';
import { repetitions } from '../effort.ts';
import { createVirtualTime, type Network, type VirtualTime } from '../virtual-time.ts';
import { listen, MINUTE, run } from './lease-runs.ts';

/** A run that listens until it is asked for its lease. */
interface Life {
  /** Milliseconds after the beginning. */
  readonly start: number;
  /** Milliseconds that it needs for what is under way when it is asked. */
  readonly finish: number;
  readonly offset: number;
  /** Milliseconds after its start. */
  readonly dies: number | undefined;
  /** What happens to its writes, one after the other; then all goes well. */
  readonly faults: readonly ('none' | 'lost answer' | 'late copy' | 'fails')[];
}

const life = (special: object = {}): fc.Arbitrary<Life> =>
  fc.record({
    start: fc.nat(90_000),
    finish: fc.nat(15_000),
    offset: fc.constant(0),
    dies: fc.constant(undefined),
    faults: fc.constant([]),
    ...special,
  });

const interrupted = life({
  offset: fc.oneof(
    fc.constant(0),
    fc.integer({ min: -5 * MINUTE, max: 5 * MINUTE }),
    fc.constantFrom(-1440 * MINUTE, 1440 * MINUTE),
  ),
  dies: fc.option(fc.nat(80_000), { nil: undefined }),
  faults: fc.array(fc.constantFrom('none', 'lost answer', 'late copy', 'fails'), { maxLength: 8 }),
});

function networkOf(time: VirtualTime, { start, dies, faults }: Life): Network {
  const left = [...faults];
  return async (send) => {
    if (dies !== undefined && time.elapsed() >= start + dies) return new Promise(() => {});
    const fault = left.shift();
    if (fault === 'fails') throw new Error('no answer');
    // The client sends it again, and hears the second answer.
    if (fault === 'lost answer') await send().catch(() => undefined);
    if (fault === 'late copy')
      time
        .wait(7000)
        .then(send)
        .catch(() => undefined);
    return send();
  };
}

describe('runs that listen one after the other', () => {
  test.prop([fc.array(life(), { minLength: 2, maxLength: 4 })], { numRuns: repetitions(8, 4) })(
    'hand over without a pause of more than half a second, and never work at the same time',
    async (lives) => {
      const time = await createVirtualTime();

      const logs = await time.until(
        Promise.all([
          ...lives.map(({ start, finish }, n) => run(time, `run ${n}`, listen(time, finish), { start })),
          run(time, 'last', async () => {}, { start: 2 * MINUTE }),
        ]),
      );

      logs.sort((a, b) => a.took - b.took);
      expect(logs.map(({ ending, warnings }) => ({ ending, warnings }))).toEqual(
        logs.map(() => ({ ending: 'done', warnings: [] })),
      );
      for (const [n, { took, start }] of logs.slice(1).entries()) {
        const { ended = 0 } = logs[n] ?? {};
        expect(took).toBeGreaterThanOrEqual(ended);
        expect(took - Math.max(ended, start)).toBeLessThanOrEqual(500);
      }
    },
  );

  test.prop([fc.array(interrupted, { minLength: 1, maxLength: 3 })], { numRuns: repetitions(25, 10) })(
    'leave the lease to the last run, whatever happens to clocks, the network and runs',
    async (lives) => {
      const time = await createVirtualTime();
      for (const [n, one] of lives.entries()) {
        const { start, finish, offset } = one;
        const network = networkOf(time, one);
        run(time, `run ${n}`, listen(time, finish), { start, offset, network }).catch(() => undefined);
      }

      const last = await time.until(run(time, 'last', async () => {}, { start: 2 * MINUTE }));

      // Each of the others may have the lease once more before it.
      expect(last.took - 2 * MINUTE).toBeLessThanOrEqual(lives.length * (LEASE_MS + 15_000 + LEASE_MS / 3 + 500));
      expect(last.ending).toBe('done');
    },
  );
});
