/** What became of a request, for the number of requests that may be under way. */
type RequestOutcome = 'accepted' | 'throttled' | 'failed';

/** A bound on the requests under way that falls when the bus throttles and recovers when it accepts. */
export interface ConcurrencyLimit {
  /** Waits for a place. */
  acquire(): Promise<void>;
  /** Gives the place back. */
  release(outcome: RequestOutcome): void;
  readonly current: number;
}

/**
 * Makes a bound that halves on throttling and grows by one with each full round of accepted requests, as TCP does.
 *
 * Requests that were under way when it was halved do not halve it again: one burst of throttling counts once.
 */
export function createConcurrencyLimit(max: number): ConcurrencyLimit {
  let limit = max;
  let running = 0;
  let forgiven = 0;
  const waiting: (() => void)[] = [];

  function admit(): void {
    while (running < Math.floor(limit) && waiting.length > 0) {
      running += 1;
      waiting.shift()?.();
    }
  }

  return {
    acquire() {
      return new Promise((resolve) => {
        waiting.push(resolve);
        admit();
      });
    },
    release(outcome) {
      running -= 1;
      if (forgiven > 0) forgiven -= 1;
      else if (outcome === 'throttled') {
        limit = Math.max(1, limit / 2);
        forgiven = running;
      } else if (outcome === 'accepted') limit = Math.min(max, limit + 1 / limit);
      admit();
    },
    get current() {
      return Math.floor(limit);
    },
  };
}
