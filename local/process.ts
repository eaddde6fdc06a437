import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { type Guardian, startGuardian } from './guardian.ts';

/** Keeps the process groups that are added (`+ 7`) and not removed (`- 7`), and kills them at the end of the input. */
const END_GROUPS = `
groups=' '
while read -r change group; do
  if [ "$change" = + ]; then groups="$groups$group "; else groups="\${groups%%" $group "*} \${groups#*" $group "}"; fi
done
for group in $groups; do kill -s KILL -- "-$group"; done`;

/** Sends its process group to the guardian before it becomes the program, which thus never runs without a guardian. */
const BECOME = 'echo "+ $$" >&3; exec "$@" 3>&-';

/** One guardian for all programs: to start a shell, the kernel copies the memory map of this process. */
let guardian: Guardian | undefined;

export interface StartOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** @default the folder of this process */
  readonly cwd?: string;
  /** Standard input, output and error. @default all are ignored */
  readonly stdio?: readonly ['ignore', Output, Output];
  /** Whether to open a channel for messages, for a Node program. */
  readonly ipc?: boolean;
}

type Output = 'ignore' | 'pipe' | 'inherit';

/**
 * Starts a program. The program and all processes that it starts end with this process at the latest.
 *
 * It has its own process group: a Ctrl-C in the terminal reaches only this process, which ends its children in order.
 */
export function start(command: string, args: readonly string[], options: StartOptions = {}): ChildProcess {
  const { cwd, env = process.env, stdio = ['ignore', 'ignore', 'ignore'], ipc = false } = options;
  guardian ??= startGuardian(END_GROUPS);
  const { input } = guardian;
  const settings: SpawnOptions = {
    cwd,
    env,
    detached: true,
    stdio: [...stdio, input, ...(ipc ? (['ipc'] as const) : [])],
  };
  const child = spawn('/bin/sh', ['-c', BECOME, 'program', command, ...args], settings);
  child.on('exit', () => {
    endGroup(child);
    input.write(`- ${child.pid}\n`);
  });
  return child;
}

/** Ends what a program has left behind. */
function endGroup({ pid }: ChildProcess): void {
  try {
    process.kill(-(pid as number), 'SIGKILL');
  } catch {
    // Nothing is left. macOS answers EPERM instead of ESRCH while the kernel still has the ids of ended processes.
  }
}

/** Ends a child and resolves once it is gone: first with SIGTERM, after two seconds with SIGKILL. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = once(child, 'exit');
    const force = setTimeout(() => child.kill('SIGKILL'), 2000);
    child.kill('SIGTERM');
    await gone;
    clearTimeout(force);
  }
}

/** The ports that were found; a server may not listen at its port yet. */
const found = new Set<number>();

/**
 * A free port of the loopback interface; this process gets each port only once.
 *
 * It is below the ports of outgoing connections (from 32,768 on Linux, from 49,152 elsewhere), so no connection takes
 * it before the server does. The same holds for the port 10,000 above it, which Redis 6 uses in a cluster.
 */
export async function freePort(): Promise<number> {
  const port = randomInt(12_000, 22_000);
  if (found.has(port)) return freePort();
  found.add(port);
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
 * Repeats an attempt until it succeeds, for a server that is starting.
 *
 * @throws {Error} the last failure after `timeout` milliseconds, or an error as soon as `child` has ended
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
