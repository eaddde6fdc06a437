import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Guardian, startGuardian } from './guardian.ts';

/** Removes the folders that it has read, once the input has ended. */
const REMOVE = 'while read -r folder; do set -- "$@" "$folder"; done; rm -rf -- "$@"';

/** One guardian for all folders: to start a shell, the kernel copies the memory map of this process. */
let guardian: Guardian | undefined;

/** A new folder that exists until it is disposed, or until this process ends. */
export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

export function createTemporaryFolder(name: string): TemporaryFolder {
  const path = join(tmpdir(), `bullbridge-${name}-${randomUUID()}`);
  guardian ??= startGuardian(REMOVE);
  guardian.input.write(`${path}\n`);
  mkdirSync(path, { mode: 0o700 });
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
