import net from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { connectRedis } from '../../functions/redis/connect.ts';
import { listen } from '../listen.ts';
import { failure } from './failure.ts';

const TYPES: Readonly<Record<string, string>> = { a: 'stream', b: 'hash', c: 'stream', d: 'none' };

/** The URL of a server that answers as Redis 5 does, from which these types are to be had. */
async function oldServer(typeReply: (key: string) => string): Promise<string> {
  const pages: Readonly<Record<string, readonly [next: string, keys: readonly string[]]>> = {
    '0': ['7', ['a', 'b']],
    '7': ['9', []],
    '9': ['0', ['c', 'd']],
  };
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      for (const command of data.toString().split(/(?=\*\d+\r\n)/)) {
        const [name, argument = '', ...more] = command.split('\r\n').filter((_, i) => i > 0 && i % 2 === 0);
        const [next, keys] = pages[argument] ?? ['0', []];
        const bulk = (text: string) => `$${text.length}\r\n${text}\r\n`;
        if (name === 'type') socket.write(`${typeReply(argument)}\r\n`);
        else if (name !== 'scan') socket.write(`-ERR unknown command '${name}'\r\n`);
        else if (more.includes('TYPE')) socket.write('-ERR syntax error\r\n');
        else socket.write(`*2\r\n${bulk(next)}*${keys.length}\r\n${keys.map(bulk).join('')}`);
      }
    });
  });
  return `redis://127.0.0.1:${await listen(server)}`;
}

async function scan(url: string, options = {}) {
  const connection = await connectRedis({ url });
  onTestFinished(() => connection.close());
  return connection.scan('*', options);
}

test('if SCAN knows no types, each key is asked for its type', async () => {
  const url = await oldServer((key) => `+${TYPES[key]}`);

  expect(await scan(url, { type: 'stream' })).toMatchObject({ keys: ['a', 'c'], isWhole: true });
  expect(await scan(url)).toMatchObject({ keys: ['a', 'b', 'c', 'd'], isWhole: true });
});

test('if a type is refused, the scan is refused', async () => {
  const url = await oldServer((key) => (key === 'c' ? "-NOPERM no permissions to run the 'type' command" : '+stream'));

  expect(await failure(scan(url, { type: 'stream' }))).toMatchObject({
    code: 'REDIS_PERMISSION',
    message: expect.stringContaining('looking for queues (TYPE)'),
  });
});
