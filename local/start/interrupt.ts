import { constants } from 'node:os';
import { onceOrphaned } from './lineage.ts';

type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** The signals by which a user ends the program. */
export interface Interrupt {
  /** Aborted by the first signal after `endInOrder`. */
  readonly signal: AbortSignal;
  /**
   * Lets the next signal only abort `signal`, and the one after that end the process; before this call, a signal ends the
   * process at once, since there is nothing to put in order.
   * @param onHurry called just before the second signal ends the process; it can only print
   */
  endInOrder(onHurry: () => void): void;
}

/** Milliseconds in which the same signal counts once: a Ctrl-C in the terminal reaches npm, too, and npm passes it on. */
const ECHO = 300;

/** Milliseconds to end in order when nobody is left to send a second signal. */
const GRACE = 10_000;

/**
 * Listens for SIGINT, SIGTERM and SIGHUP.
 *
 * A lost output and a lost ancestor count as SIGHUP. The exit code is the one that shells report: 128 plus the number of the signal.
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
