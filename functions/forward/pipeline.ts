import type { Signals } from '../invocation.ts';

/** The stages that one unit of work goes through. */
export interface Stages<Work, Settled> {
  /** Reads the next unit; `undefined` when there is none left. The signal ends what it waits for, also where nothing new is begun any more. */
  readonly read: (signal: AbortSignal) => Promise<Work | undefined>;
  /** Runs beside the reading of the next unit, and beside the saving of the one before. */
  readonly settle: (work: Work, signal: AbortSignal) => Promise<Settled>;
  /** Runs in the order of reading. */
  readonly save: (work: Work, settled: Settled) => Promise<void>;
}

/**
 * Runs units of work through their stages, with at most two of them settled or being settled but not saved.
 *
 * @throws the first failure of any stage, after all that was under way has ended
 */
export async function runPipeline<Work, Settled>(stages: Stages<Work, Settled>, signals: Signals): Promise<void> {
  const failing = new AbortController();
  const signal = AbortSignal.any([signals.stop, failing.signal]);
  const waiting = AbortSignal.any([signal, signals.drain]);
  const underWay = new Set<Promise<unknown>>();
  let saved = Promise.resolve();

  /** A failure anywhere ends the rest; it is thrown where the promise is awaited, and must not be reported as unhandled before. */
  function track<T>(promise: Promise<T>): Promise<T> {
    underWay.add(promise);
    promise.catch((error: unknown) => failing.abort(error)).finally(() => underWay.delete(promise));
    return promise;
  }

  try {
    while (!signals.drain.aborted) {
      const work = await stages.read(waiting);
      signal.throwIfAborted();
      if (work === undefined) break;
      const before = saved;
      const settled = track(stages.settle(work, signal));
      saved = track(Promise.all([settled, before]).then(([result]) => stages.save(work, result)));
      await before;
    }
    await saved;
  } catch (error) {
    failing.abort(error);
    while (underWay.size > 0) await Promise.allSettled(underWay);
    throw error;
  }
}
