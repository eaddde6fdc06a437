import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Gives this run, its workers and all that they start a temporary folder of their own, which is gone once this process has ended.
 *
 * @returns its path
 */
export function useOwnTemporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bullbridge-test-'));
  process.on('exit', () => removeFolder(folder));
  // On Windows it is `TEMP`.
  for (const name of ['TMPDIR', 'TEMP']) process.env[name] = folder;
  return folder;
}

/** Several processes may do so at once, and each fails over what another one has just removed. */
export function removeFolder(folder: string): void {
  for (let attempt = 1; attempt <= ATTEMPTS && existsSync(folder); attempt += 1) {
    try {
      rmSync(folder, { recursive: true, force: true });
    } catch {}
  }
}

const ATTEMPTS = 100;
