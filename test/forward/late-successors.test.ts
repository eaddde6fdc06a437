import { test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { deadlineTimes } from '../../functions/invocation.ts';
import { repetitions } from '../effort.ts';
import { jitteredSchedules } from './jittered-schedule.ts';
import { createVirtualWorld } from './virtual-world.ts';

const INTERVAL = 60_000;
const TIMEOUT = INTERVAL + 75_000;
const JITTER = 30_000;
/** Milliseconds between two entries. */
const PACE = 500;
/** Starts of one schedule. */
const STARTS = repetitions(10, 5);

/** Adds entries while a schedule starts runs. */
async function live(times: readonly number[]) {
  const { time, bus, wait, ...world } = await createVirtualWorld({ tail: 'always', interval: INTERVAL }, noteArrivals);
  const addedAt: number[] = [];
  const delays = new Map<number, number>();

  function noteArrivals(): void {
    for (const { detail } of bus.accepted.slice(delays.size)) {
      const { n } = detail['fields'] as { n: string };
      delays.set(Number(n), time.elapsed() - (addedAt[Number(n)] as number));
    }
  }

  async function run(start: number) {
    await wait(start);
    const drain = new AbortController();
    wait(deadlineTimes(TIMEOUT).drain).then(() => drain.abort());
    return world.run({ drain: drain.signal });
  }

  async function produce(end: number): Promise<void> {
    for (let at = 0; at < end; at += PACE) {
      addedAt.push(time.elapsed());
      await world.add([{ event: 'x', n: addedAt.length - 1 }]);
      await wait(PACE);
    }
  }

  const end = Math.max(...times) + INTERVAL;
  const runs = Promise.all([...times, end + PACE].map(run));
  const [reports] = await time.until(Promise.all([runs, produce(end)]));
  return {
    added: addedAt.length,
    arrived: delays.size,
    published: bus.accepted.length,
    latest: Math.max(...delays.values()),
    warnings: reports.flatMap(({ warnings }) => warnings),
  };
}

test.prop([jitteredSchedules(STARTS, INTERVAL, JITTER)], { numRuns: repetitions(5, 1) })(
  'runs that start up to 30 s early or late, or not at all, hand over, and no event comes more than a second late',
  async (times) => {
    const { added, arrived, published, latest, warnings } = await live(times);

    expect({ arrived, published, warnings }).toEqual({ arrived: added, published: added, warnings: [] });
    expect(latest).toBeLessThanOrEqual(1000);
  },
);
