import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { connectRedis } from '../../functions/redis/connect.ts';
import { type RedisOptions, ReplyTooLargeError } from '../../functions/redis/port.ts';
import { adminRedis, ownPrefix } from '../redis.ts';
import { startCluster } from '../redis-cluster.ts';
import { MASTER, startSentinel } from '../redis-sentinel.ts';
import { ownServer } from '../replicas.ts';
import { testWith } from '../test-with.ts';
import { failure, PASSWORD } from './failure.ts';

const testNative = testWith('native server');

async function connect(url: string, options: Omit<RedisOptions, 'url'> = {}) {
  const connection = await connectRedis({ url, ...options });
  onTestFinished(() => connection.close());
  return connection;
}

/** The URL of a user of the shared server who may read one key, and more. */
async function readerUrl(key: string, ...more: string[]) {
  const admin = adminRedis();
  await admin.call('ACL', 'SETUSER', key, 'on', `>${PASSWORD}`, `~${key}`, '-@all', '+xrange', ...more);
  onTestFinished(async () => {
    await admin.call('ACL', 'DELUSER', key);
  });
  return inject('redisUrl').replace('redis://', `redis://${key}:${PASSWORD}@`);
}

/** Writes another entry with the same key into each of two databases. */
async function writeBoth(key: string, url = inject('redisUrl')) {
  const admin = adminRedis(url);
  for (const db of [0, 2]) {
    await admin.select(db);
    await admin.xadd(key, '1-1', 'db', db);
  }
}

describe('the database of the URL', () => {
  test.each(['/2', '?db=2'])('is the one that is read, of a user who may select it: %s', async (rest) => {
    const key = ownPrefix();
    await writeBoth(key);
    const url = await readerUrl(key, '+select');

    expect(await (await connect(url + rest)).send([['xrange', key, '-', '+']])).toEqual([[['1-1', ['db', '2']]]]);
    expect(await (await connect(url)).send([['xrange', key, '-', '+']])).toEqual([[['1-1', ['db', '0']]]]);
  });

  test('is also selected on a new connection', async () => {
    const key = ownPrefix();
    await writeBoth(key);
    const connection = await connect(`${await readerUrl(key, '+select')}/2`);

    await expect(connection.send([['xrange', key, '-', '+']], { maxBytes: 4 })).rejects.toThrow(ReplyTooLargeError);

    expect(await connection.send([['xrange', key, '-', '+']])).toEqual([[['1-1', ['db', '2']]]]);
  });

  test.each(['/2', '?db=2'])('is never another one where the user may not select it: %s', async (rest) => {
    const url = await readerUrl(ownPrefix());

    expect(await failure(connectRedis({ url: url + rest }))).toMatchObject({
      code: 'REDIS_PERMISSION',
      message: expect.stringMatching(/selecting database 2 failed on .*\(NOPERM .*select.*\).*\+select/),
    });
  });

  test.each([100_000, 999_999_999])('must exist on the server: %i', async (db) => {
    expect(await failure(connectRedis({ url: `${inject('redisUrl')}/${db}` }))).toMatchObject({
      code: 'REDIS_DATABASE',
      message: expect.stringMatching(
        new RegExp(`selecting database ${db} failed on .*: the server does not have this database \\(ERR .*\\)`),
      ),
    });
  });

  testNative('is refused by a server that has only one', async () => {
    const { url } = await ownServer(['--rename-command', 'SELECT', '']);

    expect(await failure(connectRedis({ url: `${url}/2` }))).toMatchObject({ code: 'REDIS_DATABASE' });
    expect(await (await connect(url)).send([['xrange', 'key', '-', '+']])).toEqual([[]]);
  });

  testNative('is that of the master which Sentinels name', async () => {
    const master = await ownServer();
    await writeBoth('key', master.url);
    await master.admin.call('ACL', 'SETUSER', 'reader', 'on', `>${PASSWORD}`, '~*', '-@all', '+xrange');
    const { url } = await startSentinel(master);
    const sentinel = { master: MASTER };

    expect(await (await connect(`${url}/2`, { sentinel })).send([['xrange', 'key', '-', '+']])).toEqual([
      [['1-1', ['db', '2']]],
    ]);
    const reader = `${url.replace('redis://', `redis://reader:${PASSWORD}@`)}/2`;
    expect(await failure(connectRedis({ url: reader, sentinel }))).toMatchObject({
      code: 'REDIS_PERMISSION',
      message: expect.stringContaining('selecting database 2'),
    });
  });

  testNative('is no matter to a Sentinel that is taken for a server', async () => {
    const { url } = await startSentinel(await ownServer());

    expect(await failure(connectRedis({ url: `${url}/2` }))).toMatchObject({ code: 'REDIS_SENTINEL' });
  });

  testNative('cannot be another than 0 in a cluster, whoever finds out that it is one', async () => {
    await using cluster = await startCluster();
    const urls = cluster.masters.map(({ url }) => url);
    const several = `redis://${urls.map((url) => url.replace('redis://', '')).join()}/2`;

    for (const options of [{ url: `${urls[0]}/2` }, { url: `${urls[0]}?db=2`, cluster: true }, { url: several }]) {
      expect(await failure(connectRedis(options))).toMatchObject({ code: 'REDIS_DATABASE' });
    }
    await connect(`${urls[0]}/0`);
  });
});
