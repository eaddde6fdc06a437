import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { connectRedis } from '../../functions/redis/connect.ts';
import { listen } from '../listen.ts';
import { ownServer } from '../replicas.ts';
import { testWith } from '../test-with.ts';
import { failure, PASSWORD } from './failure.ts';

const testNative = testWith('native server');

/** How a server refuses: at once, or in answer to the first command, and whether it hangs up. */
const WAYS = [
  { way: 'at once, and hangs up', atOnce: true, closes: true },
  { way: 'in answer to the first command, and hangs up', atOnce: false, closes: true },
  { way: 'in answer to every command', atOnce: false, closes: false },
];

/** The URL of a server that says nothing but this line. */
async function refusing(line: string, { atOnce, closes }: (typeof WAYS)[number]): Promise<string> {
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    const refuse = () => (closes ? socket.end(`-${line}\r\n`) : socket.write(`-${line}\r\n`));
    if (atOnce) refuse();
    else socket.on('data', refuse);
  });
  return `127.0.0.1:${await listen(server)}`;
}

const REFUSALS = [
  ['REDIS_MAX_CLIENTS', 'ERR max number of clients reached'],
  ['REDIS_MAX_CLIENTS', 'ERR max number of clients + cluster connections reached'],
  ['REDIS_PROTECTED', 'DENIED Redis is running in protected mode because protected mode is enabled'],
  ['REDIS_NOT_READY', 'LOADING Redis is loading the dataset in memory'],
  ['REDIS_NOT_READY', 'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.'],
  ['REDIS_NOT_READY', "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."],
  ['REDIS_NOT_READY', "OOM command not allowed when used memory > 'maxmemory'."],
  ['REDIS_AUTH', 'NOAUTH HELLO must be called with the client already authenticated'],
  ['REDIS_AUTH', 'ERR Authentication required'],
  ['REDIS_AUTH', 'ERR operation not permitted'],
  ['REDIS_FAILED', 'ERR this tenant is suspended'],
  ['REDIS_FAILED', 'ERR unknown tenant'],
] as const;

describe('a server that refuses a connection is quoted', () => {
  describe.each(WAYS)('when it does so $way', (how) => {
    test.each(REFUSALS)('%s: %s', async (code, line) => {
      const place = await refusing(line, how);

      for (const url of [`redis://${place}`, `redis://me:${PASSWORD}@${place}`, `redis://${place}/2`]) {
        const error = await failure(connectRedis({ url, connectTimeout: 2000, commandTimeout: 2000 }));
        expect(error).toMatchObject({ code, message: expect.stringContaining(`(${line})`) });
      }
    });
  });

  testNative('also a real one that has too many clients', async () => {
    const { url, admin } = await ownServer();
    await admin.config('SET', 'requirepass', PASSWORD);
    await admin.config('SET', 'maxclients', 1);

    for (const each of [url, url.replace('redis://', `redis://:${PASSWORD}@`)]) {
      expect(await failure(connectRedis({ url: each }))).toMatchObject({
        code: 'REDIS_MAX_CLIENTS',
        message: expect.stringMatching(/the server has no room for another client \(ERR max number of clients/),
      });
    }
  });
});

describe('a connection that is closed while it is idle', () => {
  test.each([
    ['REDIS_CLOSED', 'ERR idle timeout'],
    ['REDIS_CLOSED', 'LOADING of the proxy'],
    ['REDIS_CLOSED', 'gone'],
  ])('quotes the error of the server: %s', async (code, line) => {
    const sockets: net.Socket[] = [];
    const server = net.createServer((socket) => {
      sockets.push(socket);
      socket.on('data', () => socket.write('-NOPERM\r\n'));
    });
    const connection = await connectRedis({ url: `redis://127.0.0.1:${await listen(server)}` });
    onTestFinished(() => connection.close());

    const closed = sockets.map((socket) => once(socket, 'close'));
    for (const socket of sockets) socket.end(`-${line}\r\n`);
    await Promise.all(closed);

    expect(await failure(connection.send([['scan', 0]]))).toMatchObject({
      code,
      message: expect.stringMatching(new RegExp(`the connection was closed \\(Connection is closed.: ${line}\\)`)),
    });
  });
});

describe('a server without HELLO', () => {
  test.each([
    "ERR unknown command 'hello'",
    'ERR unknown command `HELLO`, with args beginning with: ',
    "ERR wrong number of arguments for 'hello' command",
    "NOPERM this user has no permissions to run the 'hello' command or its subcommand",
  ])('can be used: %s', async (line) => {
    const place = await refusing(line, { way: '', atOnce: false, closes: false });

    const connection = await connectRedis({ url: `redis://${place}` });
    onTestFinished(() => connection.close());

    expect(connection.target.port).toBe(Number(place.split(':')[1]));
  });
});
