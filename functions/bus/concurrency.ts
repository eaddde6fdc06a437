/** The outcome of a request, which changes the limit. */
type RequestOutcome = 'accepted' | 'throttled' | 'failed';

/** A limit of concurrent requests; it falls when the bus throttles and rises when the bus accepts. */
export interface ConcurrencyLimit {
  /** Waits until a request may be sent. */
  acquire(): Promise<void>;
  /** Ends a request. */
  release(outcome: RequestOutcome): void;
  readonly current: number;
}

/**
 * Creates a limit that halves on throttling and grows by one with each full round of accepted requests, like TCP.
 *
 * Requests that were under way when it halved do not halve it again: one burst of throttling counts once.
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
