/** In milliseconds. */
const BASE = 50;
const CAP = 3000;

/** Failures, other than throttling, after which it is no use to go on: some six seconds. */
export const MAX_FAILURES = 8;

/** Milliseconds to wait after so many attempts: twice as long each time, and any time up to that ("full jitter"). */
export function backoff(attempts: number, random: () => number): number {
  return random() * Math.min(CAP, BASE * 2 ** (attempts - 1));
}
