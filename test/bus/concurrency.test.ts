import { describe, expect, test } from 'vitest';
import { createConcurrencyLimit } from '../../functions/bus/concurrency.ts';

async function fill(limit: ReturnType<typeof createConcurrencyLimit>, count: number) {
  for (let i = 0; i < count; i += 1) await limit.acquire();
}

describe('the limit of concurrent requests', () => {
  test('holds back further requests until one ends', async () => {
    const limit = createConcurrencyLimit(2);
    await fill(limit, 2);
    let entered = false;
    const third = limit.acquire().then(() => {
      entered = true;
    });

    await Promise.resolve();
    expect(entered).toBe(false);
    limit.release('accepted');
    await third;
    expect(entered).toBe(true);
  });

  test('halves on throttling, once for all requests that were under way', async () => {
    const limit = createConcurrencyLimit(16);
    await fill(limit, 16);

    for (let i = 0; i < 16; i += 1) limit.release('throttled');

    expect(limit.current).toBe(8);
  });

  test('never falls below one, and recovers to its maximum', async () => {
    const limit = createConcurrencyLimit(16);
    for (let i = 0; i < 40; i += 1) {
      await limit.acquire();
      limit.release('throttled');
    }
    expect(limit.current).toBe(1);

    for (let i = 0; i < 400; i += 1) {
      await limit.acquire();
      limit.release('accepted');
    }

    expect(limit.current).toBe(16);
  });

  test('does not change on other failures', async () => {
    const limit = createConcurrencyLimit(4);
    await limit.acquire();
    limit.release('failed');

    expect(limit.current).toBe(4);
  });
});
