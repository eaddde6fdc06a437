/** Milliseconds. */
const BASE = 50;
const CAP = 3000;

/** The most failures of a request, not counting throttling; they take about six seconds. */
export const MAX_FAILURES = 8;

/** Milliseconds to wait after an attempt: a random time up to a limit that doubles each time ("full jitter"). */
export function backoff(attempts: number, random: () => number): number {
  return random() * Math.min(CAP, BASE * 2 ** (attempts - 1));
}
