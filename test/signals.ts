import { inject } from 'vitest';
import { removeFolder } from './temporary-folder.ts';

const folder = inject('temporaryFolder');

// At the end of the whole run, which this worker may outlive by a test that is under way. Whatever that has started ends with the worker.
for (const signal of ['SIGINT', 'SIGHUP'] as const) {
  process.once(signal, () => {
    // Vitest's own listener would end this process before that.
    process.removeAllListeners('disconnect');
    if (folder) removeFolder(folder);
    process.kill(process.pid, signal);
  });
}
