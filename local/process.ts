import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { type Guardian, startGuardian } from './guardian.ts';

/** Reads the id of a process group, waits for the end of the input, and kills that group. */
const END_GROUP = 'read -r group && { read -r _; kill -s KILL -- "-$group"; }';

/** Tells the guardian its process group before it becomes the program, so that the program never runs without a guardian. */
const BECOME = 'echo $$ >&3; exec "$@" 3>&-';

const guardians = new WeakMap<ChildProcess, Guardian>();

export interface StartOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** @default that of this process */
  readonly cwd?: string;
  /** Standard input, output and error. @default nothing is read or printed */
  readonly stdio?: readonly ['ignore', Output, Output];
  /** A Node program, with a channel to send messages over. */
  readonly ipc?: boolean;
}

type Output = 'ignore' | 'pipe' | 'inherit';

/**
 * Starts a program that ends with this process at the latest, and so does every process that it starts.
 *
 * It has a process group of its own: a Ctrl-C in the terminal reaches this process alone, which ends its children in order.
 */
export function start(command: string, args: readonly string[], options: StartOptions = {}): ChildProcess {
  const { cwd, env = process.env, stdio = ['ignore', 'ignore', 'ignore'], ipc = false } = options;
  const guardian = startGuardian(END_GROUP);
  const settings: SpawnOptions = {
    cwd,
    env,
    detached: true,
    stdio: [...stdio, guardian.input, ...(ipc ? (['ipc'] as const) : [])],
  };
  const child = spawn('/bin/sh', ['-c', BECOME, 'program', command, ...args], settings);
  guardians.set(child, guardian);
  child.on('exit', () => guardian.end());
  return child;
}

/** Ends a child and resolves once it is gone: politely first, by force after two seconds. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = once(child, 'exit');
    const force = setTimeout(() => child.kill('SIGKILL'), 2000);
    child.kill('SIGTERM');
    await gone;
    clearTimeout(force);
  }
  await guardians.get(child)?.end();
}

/**
 * A port of the loopback interface that is free at the moment.
 *
 * It is below those that the system gives to outgoing connections (from 32,768 on Linux, from 49,152 elsewhere), so no
 * connection takes it before the server that it is for.
 */
export async function freePort(): Promise<number> {
  const port = randomInt(12_000, 32_000);
  const server = net.createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return freePort();
  }
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * Tries until it succeeds, for a server that is starting.
 *
 * @throws {Error} the last failure after `timeout` milliseconds, or at once that `child` has ended
 */
export async function eventually<T>(attempt: () => Promise<T>, child?: ChildProcess, timeout = 10_000): Promise<T> {
  const end = Date.now() + timeout;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const ended = child?.exitCode ?? child?.signalCode;
      if (ended !== null && ended !== undefined)
        throw new Error(`The program ended with ${ended} before it answered.`, { cause: error });
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
