/** Knows whether the bus exists while a run publishes to it. */
export interface BusWatch {
  /**
   * Resolves once the bus is known to exist, or nobody can say. It is asked again if the last answer is older than a
   * minute.
   *
   * @throws {BusError} where there is no such bus, or it does not answer
   */
  confirm(): Promise<void>;
}

/** Milliseconds for which an answer holds. */
const VALID = 60_000;

/** Asks at once, so that the answer comes while a run does other things. */
export function watchBus(
  check: () => Promise<string | undefined>,
  now: () => Date,
  warn: (message: string) => void,
): BusWatch {
  let askedAt = 0;
  let answer: Promise<void> = Promise.resolve();

  function ask(): void {
    askedAt = now().getTime();
    answer = check().then((warning) => {
      if (warning) warn(warning);
    });
    // A run that publishes nothing does not wait for it.
    answer.catch(() => {});
  }

  ask();
  return {
    confirm() {
      if (now().getTime() - askedAt >= VALID) ask();
      return answer;
    },
  };
}
