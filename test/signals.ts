import { inject } from 'vitest';
import { endChildren } from '../local/process.ts';
import { removeFolder } from './temporary-folder.ts';

const folder = inject('temporaryFolder');

/** What a test has started ends with its worker, also where that dies of a signal. */
function endWith(signal: NodeJS.Signals, clean: () => unknown): void {
  process.once(signal, async () => {
    // Vitest's own listener would end this process before that.
    process.removeAllListeners('disconnect');
    await endChildren();
    clean();
    process.kill(process.pid, signal);
  });
}

// The end of a test file.
endWith('SIGTERM', () => {});
// The end of the whole run, which this worker may outlive by what it was in the middle of.
for (const signal of ['SIGINT', 'SIGHUP'] as const) endWith(signal, () => folder && removeFolder(folder));
