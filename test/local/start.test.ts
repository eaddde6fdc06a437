import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, inject, onTestFinished, test } from 'vitest';
import { adopt } from '../../local/process.ts';
import { adminRedis, ownPrefix } from '../redis.ts';

const PROGRAM = fileURLToPath(new URL('../../local/start.ts', import.meta.url));

/** `npm start` in a process group of its own, as a terminal gives it one. */
function start(args: readonly string[] = [], environment: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, REDIS_URL: '', ...environment },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const ended = once(child, 'exit');
  adopt(child, 'SIGTERM');
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  return {
    output: () => output,
    says: (text: RegExp) => expect.poll(() => output, { timeout: 30_000 }).toMatch(text),
    /** As a Ctrl-C in a terminal does, for each process of the group. */
    interrupt: () => process.kill(-(child.pid as number), 'SIGINT'),
    exitCode: async () => (await ended)[0] as number | null,
    /** The servers that it started and that still answer. */
    async left() {
      const ports = [...output.matchAll(/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port));
      expect(ports).toHaveLength(3);
      const answers = await Promise.all(ports.map(listens));
      return ports.filter((_, i) => answers[i]);
    },
  };
}

async function listens(port: number): Promise<boolean> {
  const socket = net.connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

const figure = (output: string, name: string) => Number(new RegExp(`^${name} +(\\d+)`, 'm').exec(output)?.[1]);

test('npm start forwards what real workers do, sums up, and ends with 0 and without a process', async () => {
  const demo = start();

  expect(await demo.exitCode(), demo.output()).toBe(0);

  const output = demo.output();
  expect(figure(output, 'jobs')).toBe(120);
  expect(figure(output, 'published')).toBeGreaterThan(120);
  expect(figure(output, 'arrived')).toBe(figure(output, 'published'));
  expect([figure(output, 'lost'), figure(output, 'duplicates')]).toEqual([0, 0]);
  expect(output).toMatch(/Job Failed +payments/);
  expect(output).not.toContain('\u001b');
  expect(await demo.left()).toEqual([]);
});

test('Ctrl-C ends it with a summary, and leaves no process behind', async () => {
  const demo = start(['--watch']);
  await demo.says(/Job Completed/);

  demo.interrupt();

  expect(await demo.exitCode(), demo.output()).toBe(0);
  expect(demo.output()).toMatch(/^published +\d+/m);
  expect(await demo.left()).toEqual([]);
});

test('the queues of a Redis of one’s own are read and not changed', async () => {
  const prefix = ownPrefix();
  const admin = adminRedis();
  await admin.hset(`${prefix}:emails:meta`, 'opts.maxLenEvents', 10_000);
  await admin.xadd(`${prefix}:emails:events`, '*', 'event', 'completed', 'jobId', '1', 'returnvalue', '{}');
  const mine = start(['--queues', 'emails', '--prefix', prefix], { REDIS_URL: inject('redisUrl') });

  expect(await mine.exitCode(), mine.output()).toBe(0);

  expect(figure(mine.output(), 'arrived')).toBe(1);
  expect((await admin.keys(`${prefix}:*`)).sort()).toEqual([`${prefix}:emails:events`, `${prefix}:emails:meta`]);
  expect(await admin.xlen(`${prefix}:emails:events`)).toBe(1);
});

test.each([
  ['--queues emails', /--queues reads the queues of your own Redis: set REDIS_URL/],
  ['--wacth', /Unknown option '--wacth'/],
])('%s is refused in one sentence', async (args, sentence) => {
  const refused = start(args.split(' '));

  expect(await refused.exitCode()).toBe(1);
  expect(refused.output()).toMatch(sentence);
  expect(refused.output().trim().split('\n')).toHaveLength(1);
});

test('a Redis that does not answer is named, without its password', async () => {
  const refused = start([], { REDIS_URL: 'redis://:hunter2@127.0.0.1:1' });

  expect(await refused.exitCode()).toBe(1);
  expect(refused.output()).toContain('127.0.0.1:1');
  expect(refused.output()).not.toContain('hunter2');
});
