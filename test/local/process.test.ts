import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, test } from 'vitest';
import { eventually, freePort, start, stop } from '../../local/process.ts';

describe('waiting for a program', () => {
  const refused = async () => {
    throw new Error('Connection is closed.');
  };

  test('that has ended causes an error about its end, not only about the last attempt', async () => {
    const child = start(process.execPath, ['-e', 'process.exit(3)']);

    await expect(eventually(refused, child)).rejects.toMatchObject({
      message: 'The program ended with 3 before it answered.',
      cause: expect.objectContaining({ message: 'Connection is closed.' }),
    });
    await stop(child);
  });

  test('that was killed causes an error with the signal', async () => {
    const child = start(process.execPath, ['-e', 'process.kill(process.pid, "SIGKILL")']);

    await expect(eventually(refused, child)).rejects.toThrow('The program ended with SIGKILL before it answered.');
    await stop(child);
  });
});

describe('no process is left', () => {
  test('of a program that has ended', async () => {
    const child = start('/bin/sh', ['-c', 'sleep 1000 &'], { stdio: ['ignore', 'pipe', 'ignore'] });
    child.stdout?.resume();

    // The output is closed once no process can write to it.
    await once(child, 'close');
  });

  test('of programs whose parent was killed', async () => {
    const script = `
      import { start, stop } from '${import.meta.resolve('../../local/process.ts')}';
      const run = (line) => start('/bin/sh', ['-c', line], { stdio: ['ignore', 'inherit', 'ignore'] });
      await stop(run('sleep 1000'));
      for (let n = 0; n < 3; n += 1) run('echo started; sleep 1000');`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let output = '';
    parent.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    await expect.poll(() => output).toBe('started\n'.repeat(3));

    parent.kill('SIGKILL');

    await once(parent, 'close');
  });
});

test('no outgoing connection can take a free port', async () => {
  const ports = await Promise.all(Array.from({ length: 200 }, freePort));

  expect(new Set(ports).size).toBe(200);

  for (const port of ports) {
    expect(port).toBeLessThan(22_768);
    const server = net.createServer().listen(port, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    await new Promise((resolve) => server.close(resolve));
  }
});
