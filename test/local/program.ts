import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAM = join(ROOT, 'local/start.ts');

export interface Program {
  /** All that was printed so far. */
  output(): string;
  says(text: RegExp): Promise<void>;
  /** Sends a signal to the process, or to its whole group as a terminal does. */
  kill(signal: NodeJS.Signals, whom?: 'process' | 'group'): void;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** It, and whatever descends from it. */
  tree(): Promise<Process[]>;
  /** The content of the temporary folder of the program alone, without the cache that npm keeps there. */
  temporary(): Promise<string[]>;
}

export interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Tells a process from a later one with the same id. */
  readonly started: string;
  readonly command: string;
}

/** What `npm start` runs, in a process group of its own, as a terminal gives it one. */
export function start(
  args: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<Program> {
  return run(process.execPath, [PROGRAM, ...args], environment);
}

/** A command line in a shell, in a process group of its own. */
export function shell(line: string, environment: Readonly<Record<string, string>> = {}): Promise<Program> {
  return run('/bin/sh', ['-c', line], environment);
}

async function run(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Program> {
  const folder = await mkdtemp(join(tmpdir(), 'bullbridge-test-'));
  // What npm has set for the tests is not what it would set for the program.
  const inherited = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name));
  const child: ChildProcess = spawn(command, args, {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...Object.fromEntries(inherited), TMPDIR: folder, REDIS_URL: '', ...environment },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text) => (output += text));
  const ended = once(child, 'exit').then(([code, signal]) => code ?? signal);
  const pid = child.pid as number;
  const kill = (signal: NodeJS.Signals, whom: 'process' | 'group' = 'process') =>
    process.kill(whom === 'group' ? -pid : pid, signal);
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) kill('SIGKILL', 'group');
    await rm(folder, { recursive: true, force: true });
  });
  return {
    output: () => output,
    says: (text) => expect.poll(() => output).toMatch(text),
    kill,
    ended,
    async tree() {
      const all = await processes();
      const ids = new Set([pid]);
      // A child can come before its parent in the list.
      for (let size = 0; size < ids.size; ) {
        size = ids.size;
        for (const each of all) if (ids.has(each.parent)) ids.add(each.pid);
      }
      return all.filter((each) => ids.has(each.pid));
    },
    temporary: async () => (await readdir(folder)).filter((name) => name !== 'node-compile-cache'),
  };
}

/** Waits until none of these processes is left. */
export function allGone(tree: readonly Process[]): Promise<void> {
  const left = async () => {
    const all = await processes();
    return tree.filter(({ pid, started }) => all.some((other) => other.pid === pid && other.started === started));
  };
  return expect.poll(left).toEqual([]);
}

/** All that run; of one that has ended and that nobody has asked for its exit code, nothing is left but its id. */
async function processes(): Promise<Process[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,stat=,lstart=,args='], {
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout.split('\n').flatMap((line) => {
    const [, pid, parent, state, started = '', command = ''] =
      /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\w+ \w+ +\d+ [\d:]+ \d+)\s+(.*)$/.exec(line) ?? [];
    return state === undefined || state.startsWith('Z')
      ? []
      : [{ pid: Number(pid), parent: Number(parent), started, command }];
  });
}

/** A figure of the summary. */
export function figure(output: string, name: string): number {
  return Number(new RegExp(`^${name} +(\\d+)`, 'm').exec(output)?.[1]);
}
