import { once } from 'node:events';
import net from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { ConfigError } from '../../functions/errors.ts';
import { connectRedis } from '../../functions/redis/connect.ts';
import { createPatientConnection } from '../../functions/redis/patient.ts';
import type { Command, RedisConnection, RedisOptions } from '../../functions/redis/port.ts';
import { freePort } from '../../local/process.ts';
import { startNative } from '../../local/redis.ts';
import { cuttingProxy } from '../chaos/proxies.ts';
import { listen } from '../listen.ts';
import { nativeServer } from '../needs.ts';
import { adminRedis, ownPrefix } from '../redis.ts';
import { startCluster } from '../redis-cluster.ts';
import { failOver, MASTER, startPair, startSentinel } from '../redis-sentinel.ts';
import { ownServer } from '../replicas.ts';
import { testWith } from '../test-with.ts';
import { failure, PASSWORD } from './failure.ts';

const testCounting = testWith('native server', 'counting server');

const testNative = testWith('native server');
const fast = { connectTimeout: 500, commandTimeout: 500 };

interface Patience {
  readonly redis: RedisConnection;
  readonly warnings: string[];
  /** How many connections were asked for. */
  readonly attempts: () => number;
  /** Ends the patience. */
  readonly drain: () => void;
  /** Resolves when there is a warning that fits. */
  warned(pattern: RegExp): Promise<void>;
}

/** A patient connection, closed when the test ends. */
function patient(options: RedisOptions | (() => Promise<RedisConnection>)): Patience {
  const draining = new AbortController();
  const warnings: string[] = [];
  let attempts = 0;
  const redis = createPatientConnection(
    () => {
      attempts += 1;
      return typeof options === 'function' ? options() : connectRedis(options);
    },
    {
      wait: (milliseconds, signal) => setTimeout(milliseconds, undefined, { signal }),
      signal: draining.signal,
      warn: (message) => warnings.push(message),
    },
  );
  onTestFinished(() => redis.close());
  return {
    redis,
    warnings,
    attempts: () => attempts,
    drain: () => draining.abort(),
    warned: (pattern) => expect.poll(() => warnings.join('\n')).toMatch(pattern),
  };
}

const scanned = { keys: expect.any(Array), isWhole: true };
const ask = ({ redis }: Patience, key = 'key') => redis.send([['xrange', key, '-', '+']]);

/** A server of a test's own that can be started again, on the same port. */
async function restartable(...args: string[]) {
  const redis = await startNative(nativeServer(), args);
  onTestFinished(() => redis[Symbol.asyncDispose]());
  return redis;
}

/** Ends a server at once. */
async function shutDown(url: string) {
  const admin = new Redis(url, { retryStrategy: () => null });
  const ended = once(admin, 'end');
  // It ends before it answers.
  await admin.call('SHUTDOWN', 'NOSAVE').catch(() => {});
  await ended;
}

const OUTAGE = [
  expect.stringMatching(/^Redis does not answer \(.*\); waiting$/),
  expect.stringMatching(/^Redis answers again after \d+\.\d s$/),
];

describe('a patient connection', () => {
  test('connects once, when it is first needed', async () => {
    const patience = patient({ url: inject('redisUrl') });
    expect(patience.attempts()).toBe(0);

    const replies = await Promise.all([ask(patience), ask(patience), patience.redis.scan('none*')]);

    expect(replies).toEqual([[[]], [[]], { ...scanned, cursors: expect.any(Map) }]);
    expect(patience.attempts()).toBe(1);
    expect(patience.redis.target.port).toBe(Number(new URL(inject('redisUrl')).port));
  });

  test('reconnects, wherever in its replies the connection broke', async () => {
    const [admin, key] = [adminRedis(), ownPrefix()];
    await admin.xadd(key, '1-1', 'n', 'x'.repeat(20));
    onTestFinished(async () => {
      await admin.del(key);
    });
    const proxy = await cuttingProxy(inject('redisUrl'));
    const commands: readonly Command[] = [
      ['multi'],
      ['xrange', key, '-', '+'],
      ['exec'],
      ['xrange', key, '-', '+'],
      ['xrange', key, '+', '-'],
    ];
    const whole = await patient({ url: proxy.url }).redis.send(commands);

    for (let bytes = 1; bytes < 120; bytes += 1) {
      const patience = patient({ url: proxy.url });
      await ask(patience);
      proxy.cutAfter(bytes);

      expect(await patience.redis.send(commands), `${bytes} bytes`).toEqual(whole);
      expect(patience.warnings).toEqual([]);
      patience.redis.close();
    }
    proxy.cutAfter(Number.POSITIVE_INFINITY);
  });

  testNative('is there again after it was killed, also while it waits for entries', async () => {
    const { url, admin } = await ownServer();
    const patience = patient({ url });
    await ask(patience);
    const waiting = patience.redis.send([['xread', 'BLOCK', 5000, 'STREAMS', 'key', '0']]);
    await expect.poll(() => admin.info('clients')).toContain('blocked_clients:1');

    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await expect.poll(() => admin.info('clients')).toContain('blocked_clients:1');
    await admin.xadd('key', '1-1', 'n', 1);

    expect(await waiting).toEqual([[['key', [['1-1', ['n', '1']]]]]]);
    expect(patience.warnings).toEqual([]);
  });

  testNative('is there again after it was killed again and again, whatever was under way', async () => {
    const { url, admin } = await ownServer();
    for (let n = 0; n < 50; n += 1) await admin.xadd(`key-${n}`, '1-1', 'n', 'x'.repeat(100_000));
    const patience = patient({ url });
    let killing = true;
    const killer = (async () => {
      while (killing) await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    })();

    const sent = Array.from({ length: 50 }, (_, n) => ask(patience, `key-${n}`));
    await expect.poll(patience.attempts).toBeGreaterThan(3);
    killing = false;
    await killer;

    for (const replies of await Promise.all(sent)) expect(replies).toEqual([[['1-1', ['n', 'x'.repeat(100_000)]]]]);
    expect(patience.warnings.length % 2).toBe(0);
  });

  testNative('waits for a server that is started again', async () => {
    const server = await restartable();
    const patience = patient({ url: server.url });
    await ask(patience);

    await shutDown(server.url);
    const sent = Array.from({ length: 5 }, () => ask(patience));
    await patience.warned(/nothing listens there/);
    await server.restart();

    expect(await Promise.all(sent)).toEqual(sent.map(() => [[]]));
    expect(patience.warnings).toEqual(OUTAGE);
  });

  testNative('waits for a server that stands still for longer than a command may take', async () => {
    const { url, admin } = await ownServer();
    const [, pid] = /process_id:(\d+)/.exec(await admin.info('server')) ?? [];
    const patience = patient({ url, ...fast });
    await ask(patience);

    process.kill(Number(pid), 'SIGSTOP');
    const sent = [ask(patience), patience.redis.scan('*'), ask(patience)];
    await patience.warned(/no answer in time/);
    process.kill(Number(pid), 'SIGCONT');

    expect(await Promise.all(sent)).toEqual([[[]], { ...scanned, cursors: expect.any(Map) }, [[]]]);
    expect(patience.warnings).toEqual(OUTAGE);
  });

  test('waits for a closed port', async () => {
    const { hostname, port } = new URL(inject('redisUrl'));
    const front = net.createServer((socket) => {
      const upstream = net.connect(Number(port), hostname);
      for (const end of [socket, upstream]) end.on('error', () => {});
      socket.pipe(upstream).pipe(socket);
    });
    const own = await freePort();
    const patience = patient({ url: `redis://127.0.0.1:${own}` });

    const sent = ask(patience);
    await patience.warned(/waiting/);
    front.listen(own, '127.0.0.1');
    onTestFinished(() => void front.close());

    expect(await sent).toEqual([[]]);
    expect(patience.warnings).toEqual(OUTAGE);
  });

  testNative('waits for room where there are too many clients', async () => {
    const { url, admin } = await ownServer();
    await admin.config('SET', 'maxclients', 1);
    const patience = patient({ url });

    const sent = ask(patience);
    await patience.warned(/no room for another client \(ERR max number of clients reached\)/);
    await admin.config('SET', 'maxclients', 10);

    expect(await sent).toEqual([[]]);
    expect(patience.warnings).toEqual(OUTAGE);
  });

  testCounting('waits for a server that loads its data', async () => {
    const server = await restartable('--key-load-delay', '20000', '--loading-process-events-interval-bytes', '1024');
    const admin = adminRedis(server.url);
    admin.on('error', () => {});
    await admin.xadd('key', '1-1', 'n', 1);
    for (let n = 0; n < 150; n += 1) await admin.set(`other-${n}`, 'x'.repeat(1000));
    await admin.save();
    const patience = patient({ url: server.url });
    await ask(patience);

    const restarting = server.restart();
    const probe = () =>
      connectRedis({ url: server.url }).then(
        async (connection) => {
          const [reply] = await connection.send([['xrange', 'key', '-', '+']]);
          connection.close();
          return `${reply}`;
        },
        (error: Error) => error.message,
      );
    await expect.poll(probe, { interval: 10 }).toContain('LOADING');
    const sent = [
      ask(patience),
      patience.redis.scan('k*'),
      patience.redis.send([['multi'], ['xinfo', 'STREAM', 'key'], ['xrange', 'key', '-', '+'], ['exec']]),
    ];
    await patience.warned(/the server is not ready \(LOADING/);
    await restarting;

    const [replies, keys, transaction] = await Promise.all(sent);
    expect(replies).toEqual([[['1-1', ['n', '1']]]]);
    expect(keys).toMatchObject({ keys: ['key'] });
    expect((transaction as unknown[]).at(-1)).toEqual([expect.any(Array), [['1-1', ['n', '1']]]]);
    expect(patience.warnings).toEqual(OUTAGE);
  });

  testNative('continues with the new master after a failover', async () => {
    const { master, replica } = await startPair();
    const sentinel = await startSentinel(master);
    const patience = patient({ url: sentinel.url, sentinel: { master: MASTER } });
    await master.admin.xadd('key', '1-1', 'n', 1);
    await replica.waitFor();
    await ask(patience);

    await failOver(sentinel.admin, replica);
    await master.stop();

    expect(await ask(patience)).toEqual([[['1-1', ['n', '1']]]]);
    expect(patience.redis.target.port).toBe(Number(new URL(replica.url).port));
  });

  testNative('waits until a cluster has recovered, and leaves single replies to the caller', async () => {
    await using cluster = await startCluster();
    const patience = patient({ url: cluster.masters[1]?.url ?? '' });
    const keys = ['a', 'b', 'c', 'd'];
    const all = () => patience.redis.send(keys.map((key) => ['xrange', key, '-', '+'] as const));
    expect(await all()).toEqual(keys.map(() => []));
    const [dead, ...others] = cluster.masters;
    const pid = Number(/process_id:(\d+)/.exec((await dead?.admin.info('server')) ?? '')?.[1]);

    process.kill(pid, 'SIGSTOP');
    await expect
      .poll(() => Promise.all(others.map(({ admin }) => admin.call('CLUSTER', 'INFO'))).then(String))
      .not.toContain('cluster_state:ok');
    const sent = patience.redis.send([['xrange', keys.find((key) => cluster.ownerOf(key) !== dead) ?? '', '-', '+']]);
    await patience.warned(/the cluster does not serve this key \(CLUSTERDOWN/);
    process.kill(pid, 'SIGCONT');

    expect(await sent).toEqual([[]]);
    expect(patience.warnings).toEqual(OUTAGE);
  });

  test('waits for an unknown host name', async () => {
    let unknown = 3;
    const patience = patient(() => {
      unknown -= 1;
      return connectRedis({ url: unknown > 0 ? 'redis://no-such-host.invalid' : inject('redisUrl') });
    });

    expect(await ask(patience)).toEqual([[]]);
    expect(patience.warnings).toEqual([expect.stringContaining('the host name is not known'), OUTAGE[1]]);
  });

  testNative('has one warning for each outage', async () => {
    const server = await restartable();
    const patience = patient({ url: server.url });
    for (let n = 1; n <= 3; n += 1) {
      await shutDown(server.url);
      const sent = ask(patience);
      await expect.poll(() => patience.warnings.length).toBe(2 * n - 1);
      await server.restart();
      await sent;
    }
    expect(patience.warnings).toEqual([...OUTAGE, ...OUTAGE, ...OUTAGE]);
  });
});

describe('patience ends', () => {
  const nobody = { url: `redis://:${PASSWORD}@127.0.0.1:1` };

  test.each([1, 5])('when the run drains, with the last failure of all %i that wait', async (count) => {
    const patience = patient(nobody);
    const sent = Array.from({ length: count }, () => failure(ask(patience)));
    await patience.warned(/waiting/);

    patience.drain();

    for (const error of await Promise.all(sent)) expect(error).toMatchObject({ code: 'REDIS_REFUSED' });
    const attempts = patience.attempts();
    expect(await failure(ask(patience))).toMatchObject({ code: 'REDIS_REFUSED' });
    expect(patience.attempts()).toBe(attempts);
    expect(patience.warnings).toHaveLength(1);
  });

  test('when the run drains during an attempt to connect', async () => {
    const silent = net.createServer(() => {});
    const port = await listen(silent);
    let isFirst = true;
    const patience = patient(() => {
      const { url } = isFirst ? nobody : { url: `redis://127.0.0.1:${port}` };
      isFirst = false;
      return connectRedis({ url });
    });
    const sent = failure(ask(patience));
    await once(silent, 'connection');

    patience.drain();

    expect(await sent).toMatchObject({ code: 'REDIS_REFUSED' });
  });

  test('but answers that need no waiting still come', async () => {
    const patience = patient({ url: inject('redisUrl') });
    patience.drain();

    expect(await ask(patience)).toEqual([[]]);
    expect(patience.warnings).toEqual([]);
  });

  test('when the connection is closed, during an outage or not', async () => {
    const patience = patient(nobody);
    const sent = failure(ask(patience));
    await patience.warned(/waiting/);

    patience.redis.close();

    expect(await sent).toMatchObject({ code: 'REDIS_REFUSED' });
    expect(await failure(ask(patience))).toMatchObject({ code: 'REDIS_REFUSED' });
  });

  test('when it is closed while it waits for entries, which is not an outage', async () => {
    const patience = patient({ url: inject('redisUrl') });
    await ask(patience);
    const sent = failure(patience.redis.send([['xread', 'BLOCK', 5000, 'STREAMS', ownPrefix(), '0']]));

    patience.redis.close();

    expect(await sent).toMatchObject({ code: 'REDIS_CLOSED' });
    expect(await failure(ask(patience))).toMatchObject({ code: 'REDIS_CLOSED' });
    expect(patience.attempts()).toBe(1);
    expect(patience.warnings).toEqual([]);
  });

  test('when it is closed while it connects, and a late connection is also closed', async () => {
    const { promise, resolve } = Promise.withResolvers<RedisConnection>();
    const patience = patient(() => promise);
    const sent = failure(ask(patience));

    patience.redis.close();
    expect(await sent).toMatchObject({ code: 'REDIS_CLOSED' });
    const late = await connectRedis({ url: inject('redisUrl') });
    resolve(late);

    await expect.poll(() => late.send([['scan', 0]]).catch(({ code }) => code)).toBe('REDIS_CLOSED');
  });
});

describe('a failure that does not pass by itself', () => {
  const own = new URL(inject('redisUrl'));

  test.each([
    ['a wrong password', { url: `redis://nobody:${PASSWORD}@${own.host}` }, 'REDIS_AUTH'],
    ['a server without TLS', { url: `rediss://${own.host}`, ...fast }, 'REDIS_TLS'],
    ['a database that there is not', { url: `${own.href}/9999` }, 'REDIS_DATABASE'],
    ['a server that is no cluster', { url: own.href, cluster: true }, 'REDIS_NOT_CLUSTER'],
    ['a server that is no Sentinel', { url: own.href, sentinel: { master: 'm' } }, 'REDIS_SENTINEL'],
  ])('is thrown at once: %s', async (_, options, code) => {
    const patience = patient(options);

    expect(await failure(ask(patience))).toMatchObject({ code });
    expect(await failure(patience.redis.scan('*'))).toMatchObject({ code });
    expect(patience.warnings).toEqual([]);
    expect(patience.attempts()).toBe(2);
  });

  test('is thrown at once: an invalid URL', async () => {
    await expect(ask(patient({ url: 'http://cache' }))).rejects.toThrow(ConfigError);
  });

  test('is returned to the caller if it is a reply, or if other commands are answered', async () => {
    const admin = adminRedis();
    const key = ownPrefix();
    await admin.set(key, 'text');
    const patience = patient({ url: inject('redisUrl') });

    expect(await ask(patience, key)).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/^WRONGTYPE/) }),
    ]);
    expect(patience.attempts()).toBe(1);
  });

  test.each([
    ['one of two replies', ['-LOADING', ':1'], 2],
    ['a slot that no server has', ['-CLUSTERDOWN Hash slot not served'], 1],
    ['a reply of another kind besides', ['-LOADING', '-WRONGTYPE'], 2],
  ])('is not an outage: %s', async (_, lines, count) => {
    const patience = patient({ url: await scripted([lines]) });

    expect(await patience.redis.send(Array.from({ length: count }, () => ['scan', 0] as const))).toHaveLength(count);
    expect(patience.attempts()).toBe(1);
  });

  test.each([
    [['-LOADING'], [['scan', 0]]],
    [
      ['-MASTERDOWN', '-MASTERDOWN'],
      [
        ['scan', 0],
        ['scan', 0],
      ],
    ],
    [
      ['-BUSY', '-LOADING'],
      [
        ['scan', 0],
        ['scan', 0],
      ],
    ],
    [['-READONLY'], [['scan', 0]]],
    [['-CLUSTERDOWN The cluster is down'], [['scan', 0]]],
    [['-TRYAGAIN'], [['scan', 0]]],
    [['-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)'], [['scan', 0]]],
    [
      ['+OK', '-LOADING', '-LOADING', '-EXECABORT'],
      [['multi'], ['scan', 0], ['scan', 0], ['exec']],
    ],
  ] as const)('is an outage if all replies are %j', async (lines, commands) => {
    const patience = patient({ url: await scripted([lines, lines.map(() => ':1')]) });

    expect(await patience.redis.send(commands as never)).toEqual(lines.map(() => 1));
    expect(patience.attempts()).toBe(2);
  });
});

/** The URL of a server whose connections answer, after `HELLO`, each with the next of these lists of lines. */
async function scripted(answers: readonly (readonly string[])[]): Promise<string> {
  let connections = 0;
  const server = net.createServer(async (socket) => {
    socket.on('error', () => {});
    const lines = answers[connections] ?? [];
    connections += 1;
    await once(socket, 'data');
    socket.write('-NOPERM\r\n');
    await once(socket, 'data');
    socket.write(lines.map((line) => `${line}\r\n`).join(''));
  });
  return `redis://127.0.0.1:${await listen(server)}`;
}
