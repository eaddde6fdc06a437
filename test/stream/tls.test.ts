import { describe, expect, onTestFinished } from 'vitest';
import { connectRedis } from '../../functions/stream/connection.ts';
import { discoverQueues } from '../../functions/stream/queues.ts';
import { ownAuthority } from '../certificates.ts';
import { startCluster } from '../redis-cluster.ts';
import { startTlsServer } from '../redis-tls.ts';
import { testWith } from '../test-with.ts';
import { failure, PASSWORD } from './failure.ts';

const test = testWith('native server', 'openssl');
const fast = { connectTimeout: 500, commandTimeout: 5000 };

const rediss = (port: number, host = '127.0.0.1') => `rediss://:${PASSWORD}@${host}:${port}`;

describe('TLS with an authority of its own', () => {
  test('works with its certificate, by address and by name', async () => {
    const authority = ownAuthority();
    const { tlsPort } = await startTlsServer(authority);
    for (const url of [`rediss://127.0.0.1:${tlsPort}`, `rediss://localhost:${tlsPort}`]) {
      const connection = await connectRedis({ url, ca: authority.ca });
      onTestFinished(() => connection.close());

      expect(await connection.send([['ping']])).toEqual(['PONG']);
    }
  });

  test('reaches the servers of a cluster by the names they announce', async () => {
    const authority = ownAuthority();
    const { cert, key } = authority.sign('DNS:localhost');
    const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', authority.caFile];
    await using cluster = await startCluster({
      tls: ['--tls-auth-clients', 'no', ...files],
      args: ['--cluster-announce-hostname', 'localhost'],
    });
    for (const queue of ['a', 'b', 'c', 'd']) await cluster.client.hset(`bull:${queue}:meta`, 'a', 'b');
    const url = `rediss://localhost:${cluster.masters[0]?.tlsPort}`;
    const connection = await connectRedis({ url, ca: authority.ca });
    onTestFinished(() => connection.close());

    expect(await discoverQueues(connection, 'bull')).toEqual(['a', 'b', 'c', 'd']);
    const pings = ['a', 'b', 'c', 'd'].map((queue) => ['xrangeBuffer', `bull:${queue}:events`, '-', '+'] as const);
    expect(await connection.send(pings)).toEqual([[], [], [], []]);
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
      message: expect.stringMatching(/not signed by whom is trusted .*BULLBRIDGE_REDIS_CA or under the key "ca"/),
    });
  });

  test('where the certificate has expired', async () => {
    const authority = ownAuthority();
    const { tlsPort } = await startTlsServer(authority, { days: -1 });

    expect(await failure(connectRedis({ url: rediss(tlsPort), ca: authority.ca, ...fast }))).toMatchObject({
      code: 'REDIS_TLS',
      message: expect.stringMatching(/not valid now \(certificate has expired\); renew the server's certificate/),
    });
  });

  test('where it is for another host', async () => {
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

  test('where the server wants a certificate, too', async () => {
    const authority = ownAuthority();
    const { tlsPort } = await startTlsServer(authority, { args: [] });

    expect(await failure(connectRedis({ url: rediss(tlsPort), ca: authority.ca, ...fast }))).toMatchObject({
      code: 'REDIS_TLS',
      message: expect.stringMatching(/wants a certificate of the client .*tls-auth-clients/),
    });
  });

  test('where only the server speaks it', async () => {
    const { tlsPort } = await startTlsServer(ownAuthority());

    expect(await failure(connectRedis({ url: rediss(tlsPort).replace('rediss', 'redis'), ...fast }))).toMatchObject({
      code: 'REDIS_TLS',
      message: expect.stringMatching(/speaks TLS only .*; use rediss:\/\/ instead of redis:\/\//),
    });
  });

  test('where only the client does', async () => {
    const { url } = await startTlsServer(ownAuthority());

    expect(await failure(connectRedis({ url: rediss(Number(new URL(url).port)), ...fast }))).toMatchObject({
      code: 'REDIS_TLS',
      message: expect.stringMatching(/does not speak TLS .*; use redis:\/\/ instead of rediss:\/\//),
    });
  });
});
