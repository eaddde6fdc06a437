import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import native from '../../local/native/package.json' with { type: 'json' };

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const LAUNCHER = join(ROOT, 'local/run.mjs');
/** The packages with a Node that npm installs, each on its platform. */
export const NODES = Object.keys(native.optionalDependencies).filter((name) => name.startsWith('node-'));

/** What the launcher takes this Node for. */
export interface Running {
  readonly version: string;
  readonly platform?: string;
  readonly arch?: string;
  readonly terminal?: boolean;
}

/** A clone after `npm ci`, with this Node as the one that npm brought. */
export async function installedClone(): Promise<string> {
  const clone = await realpath(await mkdtemp(join(tmpdir(), 'bullbridge-test-')));
  onTestFinished(() => rm(clone, { recursive: true, force: true }));
  for (const file of ['local/run.mjs', 'local/native/package.json']) await cp(join(ROOT, file), join(clone, file));
  await write(join(clone, 'node_modules/.package-lock.json'), '{}');
  await write(join(clone, 'node_modules/esbuild/package.json'), '{}');
  for (const name of NODES) await installNode(join(clone, 'node_modules', name));
  return clone;
}

export async function installNode(folder: string): Promise<void> {
  await write(join(folder, 'package.json'), '{}');
  await mkdir(join(folder, 'bin'));
  await symlink(process.execPath, join(folder, 'bin/node'));
}

export async function write(file: string, content: string, mode?: number): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content, { mode });
}

/** Starts a program by the launcher, in a process group of its own. */
export async function launch(clone: string, running: Running, program: string, args: readonly string[] = []) {
  const { version, platform = 'linux', arch = 'x64', terminal = false } = running;
  const pretend = `
    import { syncBuiltinESMExports } from 'node:module';
    import tty from 'node:tty';
    const set = (name, value) => Object.defineProperty(process, name, { value });
    set('version', 'v${version}');
    set('versions', { ...process.versions, node: '${version}' });
    set('platform', '${platform}');
    set('arch', '${arch}');
    tty.isatty = () => ${terminal};
    syncBuiltinESMExports();`;
  await write(join(clone, 'program.ts'), program);
  const child = spawn(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`, 'local/run.mjs', 'program.ts', ...args],
    { cwd: clone, detached: true, stdio: 'pipe' },
  );
  const ended = once(child, 'close');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  onTestFinished(() => {
    try {
      process.kill(-(child.pid as number), 'SIGKILL');
    } catch {
      // The launcher and the program have ended.
    }
  });
  return {
    child,
    says: (expected: RegExp) => expect.poll(() => output).toMatch(expected),
    /** Resolves when the launcher and the program are gone, since both hold the output. */
    async end() {
      const [code, signal] = (await ended) as [number | null, string | null];
      return { code, signal, output: output.trimEnd() };
    },
  };
}
