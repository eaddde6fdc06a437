import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { claimPrefix } from '../../local/own-prefix.ts';
import { startRedis } from '../../local/redis.ts';
import { command } from '../redis.ts';
import { ownServer } from '../replicas.ts';
import { testWith } from '../test-with.ts';
import { contentsOf, plant } from './foreign-keys.ts';

describe('a made-up prefix', () => {
  test('is different each time, and has no character with a meaning in a pattern', async () => {
    await using redis = await startRedis();

    const prefixes = await Promise.all(Array.from({ length: 20 }, () => claimPrefix(redis.url)));

    expect(new Set(prefixes.map(({ name }) => name)).size).toBe(20);
    for (const { name } of prefixes) expect(name).toMatch(/^bullbridge-demo-[0-9a-f]{32}$/);
    expect(await contentsOf(redis.url)).toEqual(new Map());
  });

  test('is removed with its keys, and with no other key, however similar', async () => {
    await using redis = await startRedis();
    const prefix = await claimPrefix(redis.url);
    const { name } = prefix;
    const alike = [
      `${name}2`,
      `${name}-2`,
      `x${name}`,
      name.slice(0, -1),
      name.toUpperCase(),
      'bullbridge-demo',
      'bullbridge-demo-*',
      'bullbridge-demo-[0-9a-f]',
      `bullbridge-demo-${'0'.repeat(32)}`,
      'bullbridge-demo-????????????????????????????????',
      '*',
      '\\*',
      'bull',
    ];
    for (const other of alike) await plant(redis.url, 0, other);
    await plant(redis.url, 1, name);
    const before = await contentsOf(redis.url);
    const keys = Array.from({ length: 2500 }, (_, i) => [`${name}:queue${i}:meta`, 'v']).flat();
    await command(redis.url, 'MSET', ...keys, `${name}:*`, 'v', `${name}:a[b]\n`, 'v');

    await prefix.remove();

    expect(await contentsOf(redis.url)).toEqual(before);
  });

  test('cannot be changed later', async () => {
    await using redis = await startRedis();
    const prefix = await claimPrefix(redis.url);
    await plant(redis.url, 0, 'bull');
    const before = await contentsOf(redis.url);

    expect(() => Object.assign(prefix, { name: 'bull' })).toThrow(TypeError);
    await prefix.remove.call({ ...prefix, name: 'bull' });

    expect(await contentsOf(redis.url)).toEqual(before);
  });
});

describe('a Redis that refuses writes', () => {
  const instead =
    'Forward your own queues with `npm start -- --queues <names>`, which only reads, or leave REDIS_URL out.';

  test.each([
    ['NOPERM', ['ACL', 'SETUSER', 'reader', 'on', '>pw', '%R~*', '+@all'], 'this user may not write there'],
    [
      'NOPERM',
      ['ACL', 'SETUSER', 'reader', 'on', '>pw', '%R~bull:*', '-@all', '+xrange', '+scan'],
      'this user may not write there',
    ],
    ['NOPERM', ['ACL', 'SETUSER', 'reader', 'on', '>pw', '~bull:*', '+@all'], 'this user may not write there'],
    ['NOPERM', ['ACL', 'SETUSER', 'reader', 'on', '>pw', '~*', '+@all', '-unlink'], 'this user may not write there'],
    ['NOPERM', ['ACL', 'SETUSER', 'reader', 'on', '>pw', '~*', '+@all', '-eval'], 'this user may not write there'],
    ['OOM', ['CONFIG', 'SET', 'maxmemory', '1'], 'its memory is full (maxmemory)'],
    ['NOREPLICAS', ['CONFIG', 'SET', 'min-replicas-to-write', '1'], 'too few replicas follow it'],
  ])('is explained: %s after %j', async (code, [name = '', ...args], cause) => {
    await using redis = await startRedis();
    await command(redis.url, name, ...args);
    const url = name === 'ACL' ? redis.url.replace('//', '//reader:pw@') : redis.url;

    const claimed = claimPrefix(url);

    await expect(claimed).rejects.toThrow(cause);
    await expect(claimed).rejects.toThrow(
      new RegExp(`^The demonstration cannot write .*\\(${code} .*\\)\\. ${RegExp.escape(instead)}$`),
    );
    await expect(claimed).rejects.not.toThrow('pw');
  });

  testWith('native server')('a replica, and a server whose snapshot failed', async () => {
    const replica = await ownServer(['--replicaof', '127.0.0.1 1']);
    const snapshots = await ownServer(['--enable-protected-configs', 'local']);
    await snapshots.admin.config('SET', 'save', '3600 1');
    const folder = await mkdtemp(join(tmpdir(), 'bullbridge-test-'));
    await snapshots.admin.config('SET', 'dir', folder);
    await rm(folder, { recursive: true });
    await snapshots.admin.bgsave();
    await expect.poll(() => snapshots.admin.info('persistence')).toContain('rdb_last_bgsave_status:err');

    await expect(claimPrefix(replica.url)).rejects.toThrow(/it is a read-only replica \(READONLY /);
    await expect(claimPrefix(snapshots.url)).rejects.toThrow(/it cannot save its data to disk, .* \(MISCONF /);
  });
});
