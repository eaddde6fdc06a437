import type { Signals } from '../invocation.ts';

/** A unit of work that goes through the stages. */
export interface Unit {
  readonly size: number;
  /** Whether it may wait after it is settled, to be saved together with later units. */
  readonly canWait: boolean;
}

/** The stages of a unit of work. */
export interface Stages<Work extends Unit, Settled> {
  /** Reads the next unit; `undefined` if there is none. The signal ends the waiting for new entries. */
  readonly read: (signal: AbortSignal) => Promise<Work | undefined>;
  /** Runs while the next unit is read and the previous one is saved. */
  readonly settle: (work: Work, signal: AbortSignal) => Promise<Settled>;
  /** Runs in the order of reading, with all units that were settled since the last call. */
  readonly save: (settled: readonly Settled[]) => Promise<void>;
  /** Resolves when a waiting unit must be saved; rejects once the signal is aborted. */
  readonly wait: (signal: AbortSignal) => Promise<unknown>;
}

/**
 * Runs units of work through their stages, first in, first out: at most two units are being settled at a time, and they
 * are saved in order.
 *
 * A unit is saved once it is settled. A unit that can wait is saved together with the next unit that cannot, when it
 * has waited long enough, when there is no room for the next unit, or at the end, whichever comes first.
 * @param maxUnsaved total size of the units that are not saved yet; two units must have room
 * @throws the first failure of any stage, after all units under way have ended and all settled units are saved
 */
export async function runPipeline<Work extends Unit, Settled>(
  stages: Stages<Work, Settled>,
  signals: Signals,
  maxUnsaved: number,
): Promise<void> {
  const failing = new AbortController();
  const signal = AbortSignal.any([signals.stop, failing.signal]);
  const waiting = AbortSignal.any([signal, signals.drain]);
  /** In the order of reading. Each resolves when its unit is settled and, unless it can wait, saved. */
  const underWay: Promise<void>[] = [];
  /** In the order of reading, not saved yet. */
  const settled: { readonly size: number; readonly result: Settled }[] = [];
  let unsaved = 0;
  let saving: Promise<void> | undefined;
  let timer: AbortController | undefined;

  /** Ends all other work if a promise fails. The error is thrown where the promise is awaited, and is not unhandled. */
  function failAll(promise: Promise<void>): Promise<void> {
    promise.catch((error: unknown) => failing.abort(error));
    return promise;
  }

  async function settle(work: Work, before: Promise<void> | undefined): Promise<void> {
    const result = await stages.settle(work, signal);
    await before;
    settled.push({ size: work.size, result });
    if (work.canWait) saveLater();
    else await save();
  }

  /** Saves all settled units; one call at a time, and none after a failed one. */
  async function save(): Promise<void> {
    timer?.abort();
    timer = undefined;
    while (saving) await saving;
    const units = settled.splice(0);
    if (units.length === 0) return;
    saving = stages.save(units.map(({ result }) => result));
    await saving;
    saving = undefined;
    for (const { size } of units) unsaved -= size;
  }

  function saveLater(): void {
    if (timer) return;
    timer = new AbortController();
    // If the wait is aborted, the units are saved already.
    stages.wait(timer.signal).then(
      () => {
        failAll(save());
      },
      () => undefined,
    );
  }

  try {
    while (!signals.drain.aborted) {
      const work = await stages.read(waiting);
      signal.throwIfAborted();
      if (work === undefined) break;
      if (unsaved + work.size > maxUnsaved) await save();
      unsaved += work.size;
      underWay.push(failAll(settle(work, underWay.at(-1))));
      if (underWay.length > 1) await underWay.shift();
    }
    await Promise.all(underWay);
    await save();
  } catch (error) {
    failing.abort(error);
    await Promise.allSettled(underWay);
    // Settled units should not be sent again. A failure to save them must not hide why the run failed.
    await save().catch(() => undefined);
    throw error;
  }
}
