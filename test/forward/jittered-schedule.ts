import { fc } from '@fast-check/vitest';

interface Start {
  /** From -1 (as early as may be) to 1. */
  readonly offset: number;
  readonly isMissing: boolean;
}

/**
 * The times at which a schedule starts runs, in milliseconds: the first at 0, the others early or late.
 *
 * One in eight is missing. The one after it comes within two intervals, so while its predecessor lasts.
 * @param starts the number of times after the first, with the missing ones
 * @param jitter the most milliseconds by which a run starts early or late
 */
export function jitteredSchedules(starts: number, interval: number, jitter: number): fc.Arbitrary<number[]> {
  const start = fc.record<Start>({
    offset: fc.double({ min: -1, max: 1, noNaN: true }),
    isMissing: fc.nat(7).map((n) => n === 0),
  });
  return fc.array(start, { minLength: starts, maxLength: starts }).map((all) => {
    const times = [0];
    let hasMissed = false;
    for (const [n, { offset, isMissing }] of all.entries()) {
      const latest = Math.max(...times);
      const time = (n + 1) * interval + offset * jitter;
      const skips: boolean = isMissing && !hasMissed && n > 0 && n < all.length - 1;
      if (!skips) times.push(hasMissed ? Math.min(time, latest + 2 * interval) : time);
      hasMissed = skips;
    }
    return times;
  });
}
