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
