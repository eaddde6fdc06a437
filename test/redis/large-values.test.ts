import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Redis } from 'ioredis';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { connectRedis } from '../../functions/redis/connect.ts';
import { Elided, type RedisConnection, ReplyTooLargeError } from '../../functions/redis/port.ts';
import { ownAuthority } from '../certificates.ts';
import { adminRedis, ownPrefix } from '../redis.ts';
import { startCluster } from '../redis-cluster.ts';
import { MASTER, startSentinel } from '../redis-sentinel.ts';
import { startTlsServer } from '../redis-tls.ts';
import { ownServer } from '../replicas.ts';
import { testWith } from '../test-with.ts';

const testNative = testWith('native server');
const MEGABYTE = 1_000_000;
const LONG = 3 * MEGABYTE;

async function connect(url = inject('redisUrl'), options = {}): Promise<RedisConnection> {
  const connection = await connectRedis({ url, ...options });
  onTestFinished(() => connection.close());
  return connection;
}

/** A stream with a long value between others, and a hash with one, in one hash slot. */
async function write(admin: Pick<Redis, 'xadd' | 'hset'>) {
  const prefix = `{${ownPrefix()}}`;
  await admin.xadd(`${prefix}:s`, '1-1', 'a', 'short', 'b', 'b'.repeat(LONG), 'c', '');
  await admin.xadd(`${prefix}:s`, '1-2', 'b'.repeat(2000), 'short');
  await admin.hset(`${prefix}:h`, 'data', 'd'.repeat(LONG), 'name', 'n');
  return prefix;
}

const bytes = (text: string) => Buffer.from(text);
const head = (letter: string) => bytes(letter.repeat(1024));

/** Reads all of it in every way that bullbridge reads. */
async function readsAround(connection: RedisConnection, prefix: string) {
  const stream = `${prefix}:s`;
  const entries = [
    [bytes('1-1'), [bytes('a'), bytes('short'), bytes('b'), new Elided(LONG, head('b')), bytes('c'), bytes('')]],
    [bytes('1-2'), [new Elided(2000, head('b')), bytes('short')]],
  ];
  const limits = { maxValueBytes: 1500, maxBytes: 20_000 };

  const replies = await connection.send(
    [
      ['hmgetBuffer', `${prefix}:h`, 'none', 'data', 'name', 'no'],
      ['multi'],
      ['xinfoBuffer', 'STREAM', stream],
      ['xrangeBuffer', stream, '-', '+'],
      ['exec'],
      ['hmget', `${prefix}:none`, 'data'],
      ['hmget', stream, 'data'],
      ['xreadBuffer', 'COUNT', 1, 'STREAMS', stream, '0-0'],
      ['xread', 'STREAMS', stream, '1-2'],
      ['xrange', stream, '1-1', '1-1'],
    ],
    limits,
  );

  const [hash, multi, , , exec, nothing, wrong, read, none, text] = replies;
  expect(hash).toEqual([null, new Elided(LONG, head('d')), bytes('n'), null]);
  expect(multi).toBe('OK');
  const [info, range] = exec as [unknown[], unknown];
  expect(info[info.findIndex((name) => `${name}` === 'first-entry') + 1]).toEqual(entries[0]);
  expect(info[info.findIndex((name) => `${name}` === 'last-entry') + 1]).toEqual(entries[1]);
  expect(range).toEqual(entries);
  expect(nothing).toEqual([null]);
  expect(wrong).toMatchObject({ message: expect.stringMatching(/^WRONGTYPE/) });
  expect(read).toEqual([[bytes(stream), [entries[0]]]]);
  expect(none).toBeNull();
  expect(text).toEqual([['1-1', ['a', 'short', 'b', new Elided(LONG, head('b')), 'c', '']]]);

  // What follows is whole again, and limited again.
  const [whole] = await connection.send([['hmget', `${prefix}:h`, 'data']]);
  expect(whole).toEqual(['d'.repeat(LONG)]);
  await expect(connection.send([['hmget', `${prefix}:h`, 'data']], { maxBytes: MEGABYTE })).rejects.toThrow(
    ReplyTooLargeError,
  );
  const [again] = await connection.send([['hmget', `${prefix}:h`, 'data']], {
    maxValueBytes: LONG - 1,
    maxBytes: 1200,
  });
  expect(again).toEqual([new Elided(LONG, head('d'))]);
}

describe('a value that is too long arrives as its length and its beginning', () => {
  test('from one server', async () => {
    await readsAround(await connect(), await write(adminRedis()));
  });

  testWith(
    'native server',
    'TLS server',
    'openssl',
  )('over TLS', async () => {
    const authority = ownAuthority();
    const { admin, tlsPort } = await startTlsServer(authority);
    await readsAround(await connect(`rediss://localhost:${tlsPort}`, { ca: authority.ca }), await write(admin));
  });

  testNative('from a cluster, also from several of its servers at once and while keys move', async () => {
    await using cluster = await startCluster();
    const connection = await connect(cluster.masters[0]?.url);
    const prefix = await write(cluster.client);
    await readsAround(connection, prefix);

    const others = await Promise.all(Array.from({ length: 9 }, () => write(cluster.client)));
    const [moving = ''] = others;
    const from = cluster.ownerOf(`${moving}:s`);
    const move = await cluster.move(`${moving}:s`, cluster.masters.find((node) => node !== from) ?? from);
    const replies = await connection.send(
      others.map((each) => ['hmget', `${each}:h`, 'none', 'data'] as const),
      { maxValueBytes: 1024, maxBytes: 12_000 },
    );
    expect(replies).toEqual(others.map(() => [null, new Elided(LONG, head('d'))]));
    await move.finish();
  });

  testNative('from the master that Sentinels name', async () => {
    const master = await ownServer();
    const { url } = await startSentinel(master);
    await readsAround(await connect(url, { sentinel: { master: MASTER } }), await write(master.admin));
  });

  testWith('native server', 'proc')('and is never in memory: 96 MB cost less than 20', async () => {
    const key = ownPrefix();
    const admin = adminRedis();
    onTestFinished(async () => {
      await admin.del(key);
    });
    await admin.xadd(key, '1-1', 'small', 'x', 'large', Buffer.alloc(96 * MEGABYTE, 'y'), 'last', 'z');
    const directory = mkdtempSync(join(tmpdir(), 'bullbridge-large-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const program = join(directory, 'reader.cjs');
    const entryPoints = [fileURLToPath(new URL('large-value-reader.ts', import.meta.url))];
    await build({ entryPoints, bundle: true, platform: 'node', format: 'cjs', outfile: program });

    const output = execFileSync(process.execPath, ['--max-old-space-size=128', program, inject('redisUrl'), key]);

    const { fields, extra } = JSON.parse(output.toString());
    expect(fields).toEqual(['small', 'x', 'large', 96 * MEGABYTE, 'last', 'z']);
    expect(extra).toBeLessThan(20 * MEGABYTE);
  });
});
