import type { Signals } from '../invocation.ts';

/** What goes through the stages. */
export interface Unit {
  readonly size: number;
  /** Whether it may wait, once it is settled, so that it is saved together with later ones. */
  readonly canWait: boolean;
}

/** The stages that one unit of work goes through. */
export interface Stages<Work extends Unit, Settled> {
  /** Reads the next unit; `undefined` when there is none left. The signal ends what it waits for, also where nothing new is begun any more. */
  readonly read: (signal: AbortSignal) => Promise<Work | undefined>;
  /** Runs beside the reading of the next unit, and beside the saving of the one before. */
  readonly settle: (work: Work, signal: AbortSignal) => Promise<Settled>;
  /** Runs in the order of reading, with all that was settled since it ran last. */
  readonly save: (settled: readonly Settled[]) => Promise<void>;
  /** Ends when a unit that could wait has waited long enough, or rejects once the signal is aborted. */
  readonly wait: (signal: AbortSignal) => Promise<unknown>;
}

/**
 * Runs units of work through their stages, with at most two of them being settled, and saves them by and by.
 *
 * A unit is saved once it is settled. One that can wait is saved with the next that cannot, when it has waited long enough,
 * when there is no room for the next, or at the end, whichever is first.
 * @param maxUnsaved size of all units together that are settled or being settled but not saved; two units must have room
 * @throws the first failure of any stage, after all that was under way has ended and what was settled before is saved
 */
export async function runPipeline<Work extends Unit, Settled>(
  stages: Stages<Work, Settled>,
  signals: Signals,
  maxUnsaved: number,
): Promise<void> {
  const failing = new AbortController();
  const signal = AbortSignal.any([signals.stop, failing.signal]);
  const waiting = AbortSignal.any([signal, signals.drain]);
  const underWay = new Set<Promise<unknown>>();
  const settled: { readonly size: number; readonly result: Settled }[] = [];
  let unsaved = 0;
  let taken = Promise.resolve();
  let saved = Promise.resolve();
  let timer: AbortController | undefined;

  /** A failure anywhere ends the rest; it is thrown where the promise is awaited, and must not be reported as unhandled before. */
  function track<T>(promise: Promise<T>): Promise<T> {
    underWay.add(promise);
    promise.catch((error: unknown) => failing.abort(error)).finally(() => underWay.delete(promise));
    return promise;
  }

  /** Saves all that is settled, unless an earlier saving fails. */
  function save(): Promise<void> {
    timer?.abort();
    timer = undefined;
    saved = track(saved.then(saveSettled));
    return saved;
  }

  async function saveSettled(): Promise<void> {
    const units = settled.splice(0);
    if (units.length === 0) return;
    await stages.save(units.map(({ result }) => result));
    for (const { size } of units) unsaved -= size;
  }

  function saveLater(): void {
    if (timer) return;
    timer = new AbortController();
    // It was saved before, or the failure is known: both need nothing more.
    stages
      .wait(timer.signal)
      .then(save)
      .catch(() => undefined);
  }

  try {
    while (!signals.drain.aborted) {
      const work = await stages.read(waiting);
      signal.throwIfAborted();
      if (work === undefined) break;
      const { size, canWait } = work;
      if (unsaved + size > maxUnsaved) await save();
      unsaved += size;
      const before = taken;
      const settling = track(stages.settle(work, signal));
      taken = track(
        Promise.all([settling, before]).then(([result]) => {
          settled.push({ size, result });
          return canWait ? saveLater() : save();
        }),
      );
      await before;
    }
    await taken;
    await save();
  } catch (error) {
    failing.abort(error);
    while (underWay.size > 0) await Promise.allSettled(underWay);
    // Those need not be sent again; that they cannot be saved must not hide why the run failed.
    await save().catch(() => undefined);
    throw error;
  }
}
