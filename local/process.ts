import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';

/** Children that are still running; none of them outlives this process, however it ends. */
const running = new Map<ChildProcess, NodeJS.Signals>();

process.on('exit', killChildren);

/** Ends all children, for a process that is about to die of a signal: then `exit` is not emitted. Resolves once they are gone. */
export async function endChildren(): Promise<void> {
  while (running.size > 0) {
    const gone = [...running.keys()].map((child) => once(child, 'exit'));
    killChildren();
    await Promise.all(gone);
  }
}

function killChildren(): void {
  for (const [child, signal] of running) {
    try {
      // With its own children, where it has a process group of its own.
      process.kill(-(child.pid ?? Number.NaN), signal);
    } catch {
      child.kill(signal);
    }
  }
}

/**
 * Makes a child end with this process at the latest.
 *
 * @param signal what ends it then; one that has children itself must get the chance to end them
 */
export function adopt(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): void {
  running.set(child, signal);
  child.on('exit', () => running.delete(child));
  child.on('error', () => running.delete(child));
}

/**
 * Starts a program that ends with this process at the latest.
 *
 * It has a process group of its own: a Ctrl-C in the terminal reaches this process alone, which ends its children in order.
 */
export function start(command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  const child = spawn(command, args, { stdio: 'ignore', detached: true, ...options });
  adopt(child);
  return child;
}

/** Ends a child and resolves once it is gone: politely first, by force after two seconds. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  const force = setTimeout(() => child.kill('SIGKILL'), 2000);
  child.kill('SIGTERM');
  await gone;
  clearTimeout(force);
}

/** A port of the loopback interface that is free at the moment. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * Tries until it succeeds, for a server that is starting.
 *
 * @throws the last failure after `timeout` milliseconds, or at once when `child` has ended
 */
export async function eventually<T>(attempt: () => Promise<T>, child?: ChildProcess, timeout = 10_000): Promise<T> {
  const end = Date.now() + timeout;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > end || (child && child.exitCode !== null)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
