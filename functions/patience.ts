/** How a run waits for a service that does not answer. */
export interface Patience {
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<unknown>;
  /** Ends the waiting: from then on, failures are thrown. */
  readonly signal: AbortSignal;
  readonly warn: (message: string) => void;
}

/** Whether a service answers, as its calls find out. */
export interface Outage {
  /**
   * Notes that a call failed. Warns once when calls have failed for a second and none was answered.
   *
   * @param since when the call began, as `performance.now()` says
   */
  failed(reason: string, since: number): void;
  /** Notes that a call was answered. Warns if the outage was warned of. */
  answered(): void;
  /** The last failure, if no call was answered since. */
  readonly current: { readonly reason: string; readonly isReported: boolean } | undefined;
}

/** Milliseconds of an outage that is not worth a warning. */
const SHORT = 1000;

/** @param service begins the warnings, such as `The event bus` */
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

/** Makes a call until it is answered. The call is to end when its signal is aborted. */
export type Patiently = <Answer>(call: (signal: AbortSignal) => Promise<Answer>) => Promise<Answer>;

/**
 * Makes a way to call a service that waits until outages are over.
 *
 * Once the patience has ended, no call waits for a service that does not answer: those under way are given up, and
 * later ones are not made.
 * @param passes whether a failure can pass by itself; any other one is an answer, and is thrown
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
