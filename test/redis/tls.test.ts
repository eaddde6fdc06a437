import { describe, expect, onTestFinished } from 'vitest';
import { connectRedis } from '../../functions/redis/connect.ts';
import type { RedisConnection } from '../../functions/redis/port.ts';
import { slotOf } from '../../functions/redis/slot.ts';
import { secureOptions } from '../../functions/redis/socket.ts';
import { freePort } from '../../local/process.ts';
import { type Authority, ownAuthority } from '../certificates.ts';
import { startCluster } from '../redis-cluster.ts';
import { MASTER, startSentinel } from '../redis-sentinel.ts';
import { startTlsServer } from '../redis-tls.ts';
import { testWith } from '../test-with.ts';
import { failure, PASSWORD } from './failure.ts';

const test = testWith('native server', 'TLS server', 'openssl');
const fast = { connectTimeout: 500, commandTimeout: 5000 };

const rediss = (port: number, host = '127.0.0.1') => `rediss://:${PASSWORD}@${host}:${port}`;

describe('TLS with an authority of its own', () => {
  test('works with its certificate, by address and by name', async () => {
    const authority = ownAuthority();
    const { tlsPort } = await startTlsServer(authority);
    for (const url of [`rediss://127.0.0.1:${tlsPort}`, `rediss://localhost:${tlsPort}`]) {
      const connection = await connectRedis({ url, ca: authority.ca });
      onTestFinished(() => connection.close());

      expect(await connection.send([['xrange', 'key', '-', '+']])).toEqual([[]]);
    }
  });

  test('reaches the servers of a cluster by the names they announce', async () => {
    const authority = ownAuthority();
    await using cluster = await startTlsCluster(
      authority,
      'DNS:localhost',
      ...['--cluster-announce-hostname', 'localhost'],
    );

    await readsAll(await connectRedis({ url: `rediss://localhost:${cluster.masters[0]?.tlsPort}`, ca: authority.ca }));
  });
});

/** A cluster with TLS whose servers call each other by their addresses. */
function startTlsCluster(authority: Authority, names: string, ...args: string[]) {
  const { cert, key } = authority.sign(names);
  const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', authority.caFile];
  return startCluster({ tls: ['--tls-auth-clients', 'no', ...files], args });
}

/** Reads a key of each master. */
async function readsAll(connection: RedisConnection) {
  onTestFinished(() => connection.close());
  const keys = ['a', 'b', 'c', 'd'];
  expect(new Set(keys.map(slotOf).map((slot) => Math.floor(slot / 5461))).size).toBe(3);
  expect(await connection.send(keys.map((key) => ['xrange', key, '-', '+'] as const))).toEqual([[], [], [], []]);
}

describe('a certificate for the name in the URL', () => {
  test('is valid for the servers of a cluster that are named by address', async () => {
    const authority = ownAuthority();
    await using cluster = await startTlsCluster(authority, 'DNS:localhost');
    const [one, two] = cluster.masters.map(({ tlsPort }) => tlsPort);

    await readsAll(await connectRedis({ url: `rediss://localhost:${one}`, ca: authority.ca }));
    const several = `rediss://127.0.0.1:${one},localhost:${two}`;
    await readsAll(await connectRedis({ url: several, cluster: true, ca: authority.ca }));
  });

  test('is not required: a certificate for the addresses is also valid', async () => {
    const authority = ownAuthority();
    await using cluster = await startTlsCluster(authority, 'IP:127.0.0.1');
    const [one, two] = cluster.masters.map(({ tlsPort }) => tlsPort);

    const url = `rediss://127.0.0.1:${one},localhost:${two}`;
    await readsAll(await connectRedis({ url, cluster: true, ca: authority.ca }));
  });

  test('is valid for the master that Sentinels name by address', async () => {
    const authority = ownAuthority();
    const master = await startTlsServer(authority, { names: 'DNS:localhost' });
    const tlsPort = await freePort();
    const { cert, key } = authority.sign('DNS:localhost');
    await startSentinel({ ...master, url: `redis://127.0.0.1:${master.tlsPort}` }, [
      `tls-port ${tlsPort}`,
      `tls-cert-file ${cert}`,
      `tls-key-file ${key}`,
      `tls-ca-cert-file ${authority.caFile}`,
      'tls-auth-clients no',
      'tls-replication yes',
    ]);
    const connect = (host: string, ca = authority.ca) =>
      connectRedis({ url: `rediss://:${PASSWORD}@${host}:${tlsPort}`, sentinel: { master: MASTER }, ca });
    await master.admin.config('SET', 'requirepass', PASSWORD);

    const connection = await connect('localhost');
    onTestFinished(() => connection.close());

    expect(connection.target).toMatchObject({ host: '127.0.0.1', port: master.tlsPort });
    expect(await connection.send([['xrange', 'key', '-', '+']])).toEqual([[]]);
    expect(await failure(connect('127.0.0.1'))).toMatchObject({ message: expect.stringContaining('of another host') });
    expect(await failure(connect('localhost', ownAuthority().ca))).toMatchObject({
      message: expect.stringContaining('an authority that is not trusted'),
    });
  });

  test.each([
    ['for another name', 'DNS:cache.example', 'localhost'],
    ['for another address', 'IP:127.0.0.2', 'localhost'],
    ['for the name, where the URL has only the address', 'DNS:localhost', '127.0.0.1'],
    ['for names below it', 'DNS:*.localhost', 'localhost'],
  ])('is not valid %s', async (_, names, host) => {
    const authority = ownAuthority();
    await using cluster = await startTlsCluster(authority, names);
    const url = rediss(cluster.masters[0]?.tlsPort ?? 0, host);

    expect(await failure(connectRedis({ url, ca: authority.ca, ...fast }))).toMatchObject({
      code: 'REDIS_TLS',
      message: expect.stringContaining('the certificate is of another host'),
    });
  });

  test('is not valid for a server with another certificate', async () => {
    const authority = ownAuthority();
    await using cluster = await startTlsCluster(authority, 'DNS:localhost');
    const { cert, key } = authority.sign('DNS:cache.example');
    const [first, other] = cluster.masters;
    // Its connections from now on.
    await other?.admin.config('SET', 'tls-cert-file', cert, 'tls-key-file', key);
    const connection = await connectRedis({ url: `rediss://localhost:${first?.tlsPort}`, ca: authority.ca });
    onTestFinished(() => connection.close());

    const keys = ['a', 'b', 'c', 'd'];
    const replies = await connection.send(keys.map((each) => ['xrange', each, '-', '+'] as const));

    expect(replies).toEqual(
      keys.map((each) => (cluster.ownerOf(each) === other ? expect.objectContaining({ code: 'REDIS_TLS' }) : [])),
    );
    expect(replies.filter((reply) => reply instanceof Error)).not.toEqual([]);
  });
});

describe('the server name that is requested', () => {
  test.each([
    ['redis.example', ['cache.example'], 'redis.example'],
    ['10.0.0.7', ['cache.example'], 'cache.example'],
    ['10.0.0.7', ['10.0.0.1', 'two.example'], 'two.example'],
    ['::1', ['cache.example'], 'cache.example'],
    ['10.0.0.7', ['10.0.0.1'], undefined],
  ])('of %s, with %j in the URL, is %s', (host, hosts, servername) => {
    expect(secureOptions({ host, port: 6379 }, { hosts })).toMatchObject(servername ? { servername } : {});
    expect(secureOptions({ host, port: 6379 }, { hosts }).servername).toBe(servername);
  });
});

describe('TLS that fails has one error for each reason', () => {
  test.each([
    ['with no certificate of its authority', undefined],
    ['with the certificate of another authority', 'another'],
  ])('%s', async (_, ca) => {
    const { tlsPort } = await startTlsServer(ownAuthority());

    expect(
      await failure(connectRedis({ url: rediss(tlsPort), ...fast, ...(ca && { ca: ownAuthority().ca }) })),
    ).toMatchObject({
      code: 'REDIS_TLS',
      message: expect.stringMatching(
        /signed by an authority that is not trusted .*BULLBRIDGE_REDIS_CA or under the key "ca"/,
      ),
    });
  });

  test('for an expired certificate', async () => {
    const authority = ownAuthority();
    const { tlsPort } = await startTlsServer(authority, { days: -1 });

    expect(await failure(connectRedis({ url: rediss(tlsPort), ca: authority.ca, ...fast }))).toMatchObject({
      code: 'REDIS_TLS',
      message: expect.stringMatching(/not valid now \(certificate has expired\); renew the server's certificate/),
    });
  });

  test('for another host', async () => {
    const authority = ownAuthority();
    const { tlsPort } = await startTlsServer(authority, { names: 'DNS:cache.example' });

    expect(await failure(connectRedis({ url: rediss(tlsPort, 'localhost'), ca: authority.ca, ...fast }))).toMatchObject(
      {
        code: 'REDIS_TLS',
        message: expect.stringMatching(
          /of another host \(.*cache\.example.*\); use a host name that the certificate has/,
        ),
      },
    );
  });

  test('if the server also requires a certificate', async () => {
    const authority = ownAuthority();
    const { tlsPort } = await startTlsServer(authority, { args: [] });

    expect(await failure(connectRedis({ url: rediss(tlsPort), ca: authority.ca, ...fast }))).toMatchObject({
      code: 'REDIS_TLS',
      message: expect.stringMatching(/wants a certificate of the client .*tls-auth-clients/),
    });
  });

  test('if only the server uses TLS', async () => {
    const { tlsPort } = await startTlsServer(ownAuthority());

    expect(await failure(connectRedis({ url: rediss(tlsPort).replace('rediss', 'redis'), ...fast }))).toMatchObject({
      code: 'REDIS_TLS',
      message: expect.stringMatching(/speaks TLS only .*; use rediss:\/\/ instead of redis:\/\//),
    });
  });

  test('if only the client uses TLS', async () => {
    const { url } = await startTlsServer(ownAuthority());

    expect(await failure(connectRedis({ url: rediss(Number(new URL(url).port)), ...fast }))).toMatchObject({
      code: 'REDIS_TLS',
      message: expect.stringMatching(/does not speak TLS .*; use redis:\/\/ instead of rediss:\/\//),
    });
  });
});
