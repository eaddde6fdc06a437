import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { createArrivals } from '../../functions/forward/arrivals.ts';
import { beginning, type Page } from '../../functions/stream/position.ts';

const INTERVAL = 60_000;
const START = 1_795_398_834_833;

/** A page whose entries came at these milliseconds. */
function page(times: readonly number[], lost = 0, queue = 'q'): Page {
  const entries = times.map((ms, n) => ({ id: `${START + ms}-${n}`, fields: [] }));
  const loss = { reason: 'trimmed', lost, exact: true, afterId: '0-0', beforeId: '1-0' } as const;
  return { queue, from: beginning(0), start: beginning(lost), entries, ...(lost > 0 && { loss }) };
}

const spread = (count: number, from: number, to: number) =>
  Array.from({ length: count }, (_, n) => from + Math.floor(((to - from) * n) / count));

describe('the rate of a queue', () => {
  test('is the rate of its busiest stretch: a burst after an idle hour', () => {
    const arrivals = createArrivals(INTERVAL);
    arrivals.add(page([0, 3_000_000]));
    arrivals.add(page(spread(9000, 3_555_000, 3_600_000)));

    expect((arrivals.all().get('q')?.rate ?? 0) * INTERVAL).toBeGreaterThan(10_000);
  });

  test('ignores entries older than an interval', () => {
    const arrivals = createArrivals(INTERVAL);
    arrivals.add(page(spread(9000, 0, 10_000)));
    arrivals.add(page(spread(20, 600_000, 660_000)));

    expect((arrivals.all().get('q')?.rate ?? 0) * INTERVAL).toBeLessThan(100);
  });

  test.prop([fc.integer({ min: 1, max: 500 }), fc.integer({ min: 10_000, max: 50_000 })])(
    'of a steady queue is the real rate, within a fifth',
    (perSecond, time) => {
      const arrivals = createArrivals(INTERVAL);
      const times = spread(Math.floor((perSecond * time) / 1000), 0, time);
      arrivals.add(page(times));

      const rate = (arrivals.all().get('q')?.rate ?? 0) * 1000;
      expect(rate).toBeGreaterThanOrEqual(perSecond * 0.79 - 1);
      expect(rate).toBeLessThanOrEqual(perSecond * 1.21 + 1);
    },
  );
});

describe('the arrivals of a queue', () => {
  test('are the most read, lost and unread entries since it was read to its end', () => {
    const arrivals = createArrivals(INTERVAL);
    arrivals.add(page([1, 2, 3], 4));
    arrivals.caughtUp('q');
    arrivals.add(page([5]));
    arrivals.addUnread('q', 3);

    expect(arrivals.all().get('q')).toMatchObject({ most: 7, overran: true });
    arrivals.addUnread('q', 4);
    expect(arrivals.all().get('q')).toMatchObject({ most: 8 });
  });

  test('leave out queues without new entries', () => {
    const arrivals = createArrivals(INTERVAL);
    arrivals.add(page([]));
    arrivals.caughtUp('never seen');
    arrivals.add(page([1], 0, 'other'));

    expect([...arrivals.all().keys()]).toEqual(['other']);
  });
});
