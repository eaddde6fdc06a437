import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { ConfigError } from '../../functions/errors.ts';
import { connectRedis } from '../../functions/redis/connect.ts';
import { permissionsFor } from '../../functions/redis/permissions.ts';
import { ReplyTooLargeError } from '../../functions/redis/port.ts';
import { discoverQueues } from '../../functions/stream/discovery.ts';
import { beginning } from '../../functions/stream/position.ts';
import { readPages } from '../../functions/stream/read.ts';
import { startRedis } from '../../local/redis.ts';
import { listen } from '../listen.ts';
import { adminRedis, command, ownPrefix, runConnection } from '../redis.ts';
import { failure, inspectDeep, PASSWORD } from './failure.ts';

const fast = { connectTimeout: 500, commandTimeout: 500 };

/** A URL of the shared server as a user that may do what the documentation says, and nothing else. */
async function readerUrl(prefix: string, ...more: string[]): Promise<string> {
  const user = `reader-${prefix}`;
  const admin = adminRedis();
  const rules = ['on', `>${PASSWORD}`, 'resetkeys', `~${prefix}:*`, '-@all', ...more];
  await admin.call('ACL', 'SETUSER', user, ...rules);
  onTestFinished(async () => {
    await admin.call('ACL', 'DELUSER', user);
  });
  const url = new URL(inject('redisUrl'));
  url.username = user;
  url.password = PASSWORD;
  return url.href;
}

const MINIMUM = permissionsFor('forward').split(' ');

async function readOne(url: string, prefix: string) {
  const connection = await connectRedis({ url, ...fast });
  onTestFinished(() => connection.close());
  const [result] = await readPages(
    connection,
    [{ cursor: { queue: 'q', position: beginning(0), anchors: [] }, count: 5, recount: false }],
    { prefix },
  );
  if (!result || 'error' in result) throw result?.error;
  return result.page;
}

describe('each way to fail has one clear error, without the password', () => {
  test('nothing listens there', async () => {
    const error = await failure(connectRedis({ url: `redis://me:${PASSWORD}@127.0.0.1:1`, ...fast }));

    expect(error.code).toBe('REDIS_REFUSED');
    expect(error.message).toMatchInlineSnapshot(
      `"connecting failed on Redis 127.0.0.1:1 as user "me": nothing listens there (connect ECONNREFUSED 127.0.0.1:1); check host, port and that the server runs."`,
    );
  });

  test('the host is not known', async () => {
    const error = await failure(connectRedis({ url: `redis://me:${PASSWORD}@no-such-host.invalid`, ...fast }));

    expect(error.code).toBe('REDIS_DNS');
    expect(error.message).toContain('no-such-host.invalid:6379 as user "me": the host name is not known');
  });

  test('the password is wrong', async () => {
    const url = new URL(await readerUrl(ownPrefix(), ...MINIMUM));
    url.password = `${PASSWORD}-no-more`;

    expect(await failure(connectRedis({ url: url.href, ...fast }))).toMatchObject({
      code: 'REDIS_AUTH',
      message: expect.stringContaining('user or password is wrong (WRONGPASS'),
    });
  });

  test.each(['', 'default@', 'reader@', ':@', 'reader:@'])(
    'there is no password in the URL (redis://%shost)',
    async (user) => {
      await using redis = await startRedis();
      await command(redis.url, 'CONFIG', 'SET', 'requirepass', PASSWORD);

      expect(await failure(connectRedis({ url: redis.url.replace('//', `//${user}`), ...fast }))).toMatchObject({
        code: 'REDIS_AUTH',
        message: expect.stringMatching(
          /: the server asks for a password \(NOAUTH .*\); put it into the URL, as in redis:\/\/:password@host:6379 /,
        ),
      });
    },
  );

  test('there is no token', async () => {
    const token = () => Promise.reject(new Error('Could not load credentials from any providers'));

    expect(await failure(connectRedis({ url: inject('redisUrl'), token, ...fast }))).toMatchObject({
      code: 'REDIS_AUTH',
      message: expect.stringMatching(
        /connecting failed on Redis .*: no IAM token could be made \(Error: Could not load credentials/,
      ),
    });
  });

  test('the user may not read the keys', async () => {
    const prefix = ownPrefix();
    const url = await readerUrl(`${prefix}-other`, ...MINIMUM);

    expect(await failure(readOne(url, prefix))).toMatchObject({
      code: 'REDIS_PERMISSION',
      message: expect.stringMatching(
        /reading .*:q:events failed on Redis 127\.0\.0\.1:\d+ as user "reader-.*": the user may not do this \(NOPERM/,
      ),
    });
  });

  test('the user may not scan', async () => {
    const prefix = ownPrefix();
    const connection = await runConnection(await readerUrl(prefix, '+xrange'));

    expect(await failure(discoverQueues(connection, prefix))).toMatchObject({
      code: 'REDIS_PERMISSION',
      message: expect.stringContaining('SCAN'),
    });
  });

  test('the key is not a stream', async () => {
    const prefix = ownPrefix();
    await adminRedis().set(`${prefix}:q:events`, 'text');

    expect(await failure(readOne(inject('redisUrl'), prefix))).toMatchObject({ code: 'REDIS_WRONG_TYPE' });
  });

  test('the server does not answer', async () => {
    const silent = net.createServer(() => {}).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    onTestFinished(() => void silent.close());
    const { port } = silent.address() as net.AddressInfo;

    expect(await failure(readOne(`redis://:${PASSWORD}@127.0.0.1:${port}`, 'bull'))).toMatchObject({
      code: 'REDIS_TIMEOUT',
    });
  });

  test('the server does not speak TLS', async () => {
    const url = inject('redisUrl').replace('redis:', 'rediss:');

    expect(await failure(connectRedis({ url, ...fast }))).toMatchObject({
      code: 'REDIS_TLS',
      message: expect.stringMatching(/does not speak TLS .*; use redis:\/\/ instead of rediss:\/\//),
    });
  });

  test.each([
    `http://${PASSWORD}`,
    `redis://default:57#${PASSWORD}@h`,
    `redis://:${PASSWORD}?@h`,
    `redis://h/${PASSWORD}`,
    `redis://h?password=${PASSWORD}`,
    `redis://:${PASSWORD}%@h`,
    `redis://default:${PASSWORD}`,
  ])('the URL is %s', async (url) => {
    const error = await connectRedis({ url }).catch((reason: unknown) => reason);

    expect(error).toBeInstanceOf(ConfigError);
    expect(inspectDeep(error)).toContain('the URL of Redis is not valid (its value is not repeated here): ');
    expect(inspectDeep(error)).not.toContain(PASSWORD);
  });
});

describe('a connection', () => {
  test('is new for each run, so that a socket that was closed while the function was frozen does no harm', async () => {
    const prefix = ownPrefix();
    await adminRedis().xadd(`${prefix}:q:events`, '*', 'event', 'drained');
    const network = await frozenNetwork();
    const before = await connectRedis({ url: network.url, ...fast });
    onTestFinished(() => before.close());
    await before.send([['hello']]);

    network.freeze();

    expect((await readOne(network.url, prefix)).entries).toHaveLength(1);
    await expect(before.send([['hello']])).rejects.toMatchObject({ code: 'REDIS_TIMEOUT' });
  });

  test('gives up a reply that grows too large, and continues with a new connection', async () => {
    const prefix = ownPrefix();
    const admin = adminRedis();
    for (let n = 0; n < 5; n += 1) await admin.xadd(`${prefix}:q:events`, '*', 'data', 'x'.repeat(1_000_000));
    const connection = await runConnection();
    const read = (count: number) =>
      connection.send([['xrangeBuffer', `${prefix}:q:events`, '-', '+', 'COUNT', count]], { maxBytes: 2_500_000 });

    await expect(read(5)).rejects.toThrow(ReplyTooLargeError);
    expect(await read(2)).toHaveLength(1);
  });
});

describe('discovery', () => {
  test('finds each queue once, and no other key', async () => {
    const prefix = `${ownPrefix()}:{t}[x]*?\\`;
    const admin = adminRedis();
    const queues = ['emails', 'sales:cancel', 'sp ace', '日本*?[x]'];
    for (const queue of queues) await admin.xadd(`${prefix}:${queue}:events`, '*', 'event', 'drained');
    for (const key of [`${prefix}:q:a:events`, `${prefix}:no-events:meta`]) await admin.hset(key, 'a', 'b');
    for (const key of [`${prefix}::events`, `${prefix}x:other:events`, `${prefix}:q:event`])
      await admin.xadd(key, '*', 'event', 'drained');

    expect(await discoverQueues(await runConnection(), prefix)).toEqual(queues);
  });
});

/** A network in front of the server whose connections can fall silent, as behind a NAT that forgot them. */
async function frozenNetwork() {
  const { hostname, port } = new URL(inject('redisUrl'));
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    const upstream = net.connect(Number(port), hostname);
    socket.pipe(upstream).pipe(socket);
    for (const end of [socket, upstream]) {
      sockets.add(end);
      end.on('error', () => {});
    }
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  return {
    url: `redis://127.0.0.1:${await listen(server)}`,
    freeze: () => {
      for (const socket of sockets) socket.unpipe().pause();
    },
  };
}
