import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';

/** A shell that cleans up after this process, however this process ends. */
export interface Guardian {
  /** Standard input of the shell; it ends when this process does. */
  readonly input: Socket;
  /** Lets the shell clean up now, and resolves when it has. */
  end(): Promise<void>;
}

/**
 * Starts a guardian.
 *
 * The kernel closes the pipe to the shell when this process ends, even after a `kill -9`. The shell has its own
 * session, so a Ctrl-C or a signal to the group of this process does not reach it.
 * @param script commands of the shell; the first command must read the input to its end
 */
export function startGuardian(script: string, ...args: readonly string[]): Guardian {
  const shell: ChildProcess = spawn('/bin/sh', ['-c', script, 'guardian', ...args], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const input = shell.stdin as Socket;
  // The shell must not keep this process alive, and its end must not fail this process.
  shell.unref();
  input.unref();
  input.on('error', () => {});
  const gone = once(shell, 'exit');
  return {
    input,
    async end() {
      shell.ref();
      input.end();
      await gone;
    },
  };
}
