/** How long a run waits for a service that does not answer, and how. */
export interface Patience {
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<unknown>;
  /** Ends the waiting: afterwards, failures are thrown. */
  readonly signal: AbortSignal;
  readonly warn: (message: string) => void;
}

/** Follows from the calls of a service whether it answers. */
export interface Outage {
  /**
   * Records a failed call. Warns once if all calls failed for a second.
   *
   * @param since when the call began, by `performance.now()`
   */
  failed(reason: string, since: number): void;
  /** Records an answered call. Warns that an outage is over if its beginning was warned of. */
  answered(): void;
  /** The last failure, if no call was answered after it. */
  readonly current: { readonly reason: string; readonly isReported: boolean } | undefined;
}

/** Milliseconds of an outage that is too short for a warning. */
const SHORT = 1000;

/** @param service the first words of the warnings, such as `The event bus` */
export function createOutage(service: string, warn: (message: string) => void): Outage {
  let current: { reason: string; readonly since: number; isReported: boolean } | undefined;
  return {
    failed(reason, since) {
      current ??= { reason, since, isReported: false };
      current.reason = reason;
      if (current.isReported || performance.now() - current.since < SHORT) return;
      current.isReported = true;
      warn(`${service} does not answer (${reason}); waiting`);
    },
    answered() {
      if (current?.isReported) {
        warn(`${service} answers again after ${((performance.now() - current.since) / 1000).toFixed(1)} s`);
      }
      current = undefined;
    },
    get current() {
      return current;
    },
  };
}

/** Milliseconds between the first two attempts of a call; doubled each time. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 2000;

/** Repeats a call until it is answered. The call must end when its signal is aborted. */
export type Patiently = <Answer>(call: (signal: AbortSignal) => Promise<Answer>) => Promise<Answer>;

/**
 * Creates a function that calls a service and waits until outages are over.
 *
 * Once the signal of the patience is aborted, no call waits for a service that does not answer: calls under way are
 * given up, and later calls fail at once.
 * @param passes whether a failure can pass by itself; any other failure counts as an answer and is thrown
 */
export function createPatience(
  service: string,
  passes: (error: unknown) => boolean,
  { wait, signal, warn }: Patience,
): Patiently {
  const outage = createOutage(service, warn);
  const givenUp = new AbortController();
  let failure: unknown;

  function giveUp(): void {
    if (signal.aborted && outage.current) givenUp.abort();
  }

  signal.addEventListener('abort', giveUp, { once: true });

  return async (call) => {
    for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      if (givenUp.signal.aborted) throw failure;
      const since = performance.now();
      try {
        const answer = await call(givenUp.signal);
        outage.answered();
        return answer;
      } catch (error) {
        if (givenUp.signal.aborted) throw failure;
        if (!passes(error)) {
          outage.answered();
          throw error;
        }
        failure = error;
        const { name, message } = error as Error;
        outage.failed(`${name}: ${message}`, since);
        giveUp();
        if (signal.aborted) throw error;
        await wait(pause, signal).catch(() => undefined);
      }
    }
  };
}
