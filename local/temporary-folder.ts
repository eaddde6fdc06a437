import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGuardian } from './guardian.ts';

/** A new folder that exists until it is disposed, or until this process ends. */
export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

export function createTemporaryFolder(name: string): TemporaryFolder {
  const path = join(tmpdir(), `bullbridge-${name}-${randomUUID()}`);
  const guardian = startGuardian('read -r _; rm -rf -- "$1"', path);
  mkdirSync(path, { mode: 0o700 });
  return { path, [Symbol.asyncDispose]: () => guardian.end() };
}
