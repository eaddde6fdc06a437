import type { Signals } from '../invocation.ts';

/** What goes through the stages. */
export interface Unit {
  readonly size: number;
  /** Whether it may wait, once it is settled, so that it is saved together with later ones. */
  readonly canWait: boolean;
}

/** The stages that one unit of work goes through. */
export interface Stages<Work extends Unit, Settled> {
  /** Reads the next unit; `undefined` when there is none left. The signal ends its waiting, also where nothing new is begun any more. */
  readonly read: (signal: AbortSignal) => Promise<Work | undefined>;
  /** Runs while the next unit is read, and while the one before is saved. */
  readonly settle: (work: Work, signal: AbortSignal) => Promise<Settled>;
  /** Runs in the order of reading, with all that was settled since it ran last. */
  readonly save: (settled: readonly Settled[]) => Promise<void>;
  /** Ends when a unit that could wait has waited long enough, or rejects once the signal is aborted. */
  readonly wait: (signal: AbortSignal) => Promise<unknown>;
}

/**
 * Runs units of work through their stages, first in, first out: at most two are being settled, and one saver saves them in order.
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
  /** In the order of reading: each ends when its unit is settled and, unless it can wait, saved. */
  const underWay: Promise<void>[] = [];
  /** In the order of reading, to be saved. */
  const settled: { readonly size: number; readonly result: Settled }[] = [];
  let unsaved = 0;
  let saving: Promise<void> | undefined;
  let timer: AbortController | undefined;

  /** A failure anywhere ends the rest; it is thrown where the promise is awaited, and must not be reported as unhandled before. */
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

  /** Saves all that is settled; one saver at a time, and none after one that failed. */
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
    // Where the waiting is aborted, it was saved before.
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
    // Those need not be sent again; that they cannot be saved must not hide why the run failed.
    await save().catch(() => undefined);
    throw error;
  }
}
