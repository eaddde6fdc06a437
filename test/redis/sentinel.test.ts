import { describe, expect, inject, onTestFinished } from 'vitest';
import { connectRedis } from '../../functions/redis/connect.ts';
import type { RedisOptions } from '../../functions/redis/port.ts';
import { mayRead } from '../needs.ts';
import { ownPrefix } from '../redis.ts';
import { failOver, MASTER, startPair, startSentinel } from '../redis-sentinel.ts';
import { ownServer } from '../replicas.ts';
import { add, end, numbers, read } from '../stream/own-stream.ts';
import { testWith } from '../test-with.ts';
import { failure, PASSWORD } from './failure.ts';

const test = testWith('native server');
const NOBODY = '127.0.0.1:1';

/** A URL of several hosts. */
const several = (...urls: string[]) => `redis://${urls.map((url) => url.replace('redis://', '')).join(',')}`;

async function connect(url: string, sentinel: RedisOptions['sentinel'] = { master: MASTER }) {
  const connection = await connectRedis({ url, sentinel });
  onTestFinished(() => connection.close());
  return connection;
}

describe('Sentinels', () => {
  test('lead to the master, also after a failover, with whichever of them answers', async () => {
    const { master, replica } = await startPair();
    const sentinel = await startSentinel(master);
    const url = several(NOBODY, sentinel.url);
    const prefix = ownPrefix();
    const stream = { admin: master.admin, connection: await connect(url), prefix, key: `${prefix}:q:events` };
    await add(stream, 0, 5);
    const first = await read(stream, undefined);
    await replica.waitFor();

    await failOver(sentinel.admin, replica);
    const after = { ...stream, admin: replica.admin, connection: await connect(url) };
    await expect.poll(() => replica.admin.info('replication')).toContain('role:master');
    await add(after, 5, 5);

    const page = await read(after, end(first));
    expect(page.loss).toBeUndefined();
    expect(numbers(page)).toEqual([5, 6, 7, 8, 9]);
  });

  test('have their own users and passwords, and need only the rights in the documentation', async () => {
    const master = await ownServer();
    const users = `user watcher on >${PASSWORD} -@all +sentinel|get-master-addr-by-name`;
    const sentinel = await startSentinel(master, [users]);
    await sentinel.admin.call('ACL', 'SETUSER', 'default', 'off');
    await master.admin.call('ACL', 'SETUSER', 'reader', 'on', `>${PASSWORD}`, mayRead('bull:*'), '-@all', '+xrange');
    const url = sentinel.url.replace('redis://', `redis://reader:${PASSWORD}@`);

    const connection = await connect(url, { master: MASTER, user: 'watcher', password: PASSWORD });

    expect(await connection.send([['xrangeBuffer', 'bull:q:events', '-', '+']])).toEqual([[]]);
    expect(connection.target).toMatchObject({ port: Number(new URL(master.url).port), user: 'reader' });
    const wrong = await failure(connect(url, { master: MASTER, user: 'watcher', password: `${PASSWORD}!` }));
    expect(wrong).toMatchObject({
      code: 'REDIS_SENTINEL',
      passes: false,
      message: expect.stringMatching(/a Sentinel, as user "watcher": user or password is wrong .*"sentinelPassword"/),
    });
  });

  test('that are all down are listed in the error', async () => {
    const url = several(NOBODY, '127.0.0.1:2');

    expect(await failure(connect(url))).toMatchObject({
      code: 'REDIS_SENTINEL',
      passes: true,
      message: expect.stringMatching(
        /no Sentinel led to the master "bullmq": .*127\.0\.0\.1:1, a Sentinel,.*nothing listens there.*127\.0\.0\.1:2, a Sentinel,.*nothing listens there/,
      ),
    });
  });

  test('that do not know the master cause an error', async () => {
    const sentinel = await startSentinel(await ownServer());

    expect(await failure(connect(sentinel.url, { master: 'bulmq' }))).toMatchObject({
      code: 'REDIS_SENTINEL',
      passes: false,
      message: expect.stringMatching(/no Sentinel led to the master "bulmq": .*127\.0\.0\.1:\d+ does not know it/),
    });
  });

  test('that name a master that is down cause the error of the master', async () => {
    const master = await ownServer();
    const sentinel = await startSentinel(master);
    await master.stop();

    expect(await failure(connect(several(sentinel.url, sentinel.url)))).toMatchObject({
      code: 'REDIS_REFUSED',
      message: expect.stringContaining(`${new URL(master.url).port}, the master "bullmq", as user "default"`),
    });
  });

  test('that still name a former master are not followed', async () => {
    const { master, replica } = await startPair();
    const stale = await startSentinel(replica);

    expect(await failure(connect(stale.url))).toMatchObject({
      code: 'REDIS_SENTINEL',
      passes: true,
      message: expect.stringMatching(/still names 127\.0\.0\.1:\d+, which is a replica by now/),
    });
    const connection = await connect(several(stale.url, (await startSentinel(master)).url));
    expect(connection.target.port).toBe(Number(new URL(master.url).port));
  });

  test('and servers are not mistaken for each other', async () => {
    const sentinel = await startSentinel(await ownServer());

    expect(await failure(connect(inject('redisUrl')))).toMatchObject({
      code: 'REDIS_SENTINEL',
      message: expect.stringContaining('REDIS_URL must name the Sentinels'),
    });
    expect(await failure(connectRedis({ url: sentinel.url }))).toMatchObject({
      code: 'REDIS_SENTINEL',
      message: expect.stringContaining('is a Sentinel, which has no queues; set BULLBRIDGE_REDIS_SENTINEL'),
    });
  });
});
