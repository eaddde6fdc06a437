/** Checks that the bus exists while a run publishes to it. */
export interface BusWatch {
  /**
   * Resolves if the bus exists, or if AWS does not allow the check. It checks again if the last answer is older than a
   * minute.
   *
   * @throws {BusError} if the bus does not exist or does not answer
   */
  confirm(): Promise<void>;
}

/** Milliseconds for which an answer is valid. */
const VALID = 60_000;

/** Checks the bus at once, so that the answer comes while a run does other things. */
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
    // A run without events never awaits the answer.
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
