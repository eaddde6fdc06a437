import { constants } from 'node:os';
import { onceOrphaned } from './lineage.ts';

type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** The signals with which a user ends the program. */
export interface Interrupt {
  /** Aborted by the first signal after `endInOrder`. */
  readonly signal: AbortSignal;
  /**
   * From now on, the first signal only aborts `signal`, and the second one ends the process. Before this call, a signal
   * ends the process at once, because there is nothing to clean up.
   * @param onHurry called just before the second signal ends the process; it can only print
   */
  endInOrder(onHurry: () => void): void;
}

/**
 * Milliseconds in which the same signal counts once: a Ctrl-C in the terminal also reaches npm, which sends it again.
 */
const ECHO = 300;

/** Milliseconds to end in order if the terminal is gone, so that no second signal can come. */
const GRACE = 10_000;

/**
 * Listens for SIGINT, SIGTERM and SIGHUP.
 *
 * A lost output or a lost ancestor counts as SIGHUP. As in shells, the exit code is 128 plus the number of the signal.
 */
export function listenForInterrupts(): Interrupt {
  const controller = new AbortController();
  let hurry: (() => void) | undefined;
  let first: { readonly signal: Signal; readonly at: number } | undefined;
  function end(signal: Signal): void {
    if (hurry && !first) {
      first = { signal, at: Date.now() };
      controller.abort();
    } else if (signal !== first?.signal || Date.now() - first.at > ECHO) {
      hurry?.();
      process.exit(128 + constants.signals[signal]);
    }
  }
  let isAlone = false;
  function endAlone(): void {
    if (isAlone) return;
    isAlone = true;
    if (!first) end('SIGHUP');
    setTimeout(end, GRACE, 'SIGHUP').unref();
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  for (const output of [process.stdout, process.stderr]) output.on('error', endAlone);
  onceOrphaned(endAlone);
  return {
    signal: controller.signal,
    endInOrder(onHurry) {
      hurry = onHurry;
    },
  };
}
