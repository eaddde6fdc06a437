import { expect, test } from 'vitest';
import { gapStack, NOW } from './gaps.ts';

const JOBS = 20_000;

test(`${JOBS} finished jobs in a gap take no more memory than the function has`, async () => {
  const stack = await gapStack();
  await stack.open({ lost: 4 * JOBS });
  for (let first = 0; first < JOBS; first += 1000) {
    await stack.finish(
      'completed',
      Array.from({ length: 1000 }, (_, n) => ({
        id: `${first + n}`,
        at: NOW + Math.floor((first + n) / 14),
        result: JSON.stringify({ sent: first + n, text: 'x'.repeat(200) }),
      })),
    );
  }
  expect(await stack.reconcile.invoke()).toMatchObject({ gaps: 1, completed: JOBS, unknown: 3 * JOBS, caughtUp: true });

  expect(new Set(stack.recovered().map(({ id }) => id)).size).toBe(JOBS);
  expect(stack.reconcile.usage.maxMemory).toBeLessThan(256 * 1024 * 1024);
});
