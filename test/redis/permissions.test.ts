import { Redis } from 'ioredis';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { connectRedis } from '../../functions/redis/connect.ts';
import { redisError } from '../../functions/redis/error.ts';
import { type Need, permissionsFor } from '../../functions/redis/permissions.ts';
import type { Command, RedisConnection, RedisOptions } from '../../functions/redis/port.ts';
import { readPages } from '../docs/pages.ts';
import { adminRedis, ownPrefix } from '../redis.ts';
import { startCluster } from '../redis-cluster.ts';
import { MASTER, startSentinel } from '../redis-sentinel.ts';
import { ownServer } from '../replicas.ts';
import { testWith, testWithRules } from '../test-with.ts';
import { failure, PASSWORD } from './failure.ts';

const testNative = testWith('native server');

/** Rules for keys, if any, and then for commands: of `ACL SETUSER`, and of the access strings of AWS. */
const RULES = /(?:%?\w*~\S+ )?-@all(?: [+-][@\w|-]+)+/g;

/** All rules in the documentation. Lines of a shell that go on are one. */
const documented = [
  ...new Set(
    (await readPages('README.md', 'docs/**/*.md')).flatMap(({ text }) =>
      [
        ...text
          .replaceAll(/\\\n\s*/g, '')
          .replaceAll("'", '')
          .matchAll(RULES),
      ].map(([rules]) => rules),
    ),
  ),
];
const ofSentinels = documented.filter((rules) => rules.includes('sentinel'));
const ofClusters = documented.filter((rules) => rules.includes('+cluster'));
const ofServers = documented.filter((rules) => !rules.includes('sentinel'));

/** The needs that rules are for. */
function needsOf(rules: string): Need[] {
  if (rules.includes('sentinel')) return ['sentinel'];
  const more = (['cluster', 'select'] as const).flatMap((name) =>
    rules.includes(`+${name}`) ? [name === 'select' ? ('database' as const) : name] : [],
  );
  return ['forward', 'reconcile', ...more];
}

/** The commands that rules allow; all subcommands are as good as the one that is needed. */
const commandsOf = (rules: string) =>
  [...rules.matchAll(/\+(\S+)/g)].map(([, command = '']) => command.replace(/^xinfo\|stream$/, 'xinfo')).sort();

/** Makes a user on a server, for keys with its own name as the prefix. @returns its URL */
async function createUser(admin: Redis, name: string, rules: string, url: string): Promise<string> {
  await admin.call('ACL', 'SETUSER', name, 'on', `>${PASSWORD}`, ...rules.replace('~bull:', `~${name}:`).split(' '));
  onTestFinished(async () => {
    await admin.call('ACL', 'DELUSER', name).catch(() => {});
  });
  return url.replace('redis://', `redis://${encodeURIComponent(name)}:${PASSWORD}@`);
}

async function connect(options: RedisOptions): Promise<RedisConnection> {
  const connection = await connectRedis(options);
  onTestFinished(() => connection.close());
  return connection;
}

/** All that the functions ask about a queue. */
function questions(prefix: string): Command[] {
  const key = `${prefix}:q:events`;
  return [
    ['xread', 'COUNT', 1, 'STREAMS', key, '0'],
    ['xrangeBuffer', key, '-', '+', 'COUNT', 10],
    ['multi'],
    ['xinfoBuffer', 'STREAM', key, 'FULL', 'COUNT', 1],
    ['xrangeBuffer', key, '-', '+', 'COUNT', 10],
    ['exec'],
    ['hmget', `${prefix}:q:meta`, 'opts.maxLenEvents'],
    ['hmgetBuffer', `${prefix}:q:1`, 'name'],
    ['zrangebyscoreBuffer', `${prefix}:q:completed`, 0, 1, 'WITHSCORES', 'LIMIT', 0, 10],
  ];
}

/** Asks all of it. @returns what was refused, and the queues that were found */
async function askAll(connection: RedisConnection, prefix: string) {
  const found = await connection.scan(`${prefix}:*:events`, { type: 'stream' });
  const replies = await connection.send(questions(prefix));
  const refused = replies.flatMap((reply) => (reply instanceof Error ? reply.message : []));
  return { keys: [...found.keys], refused };
}

const write = (admin: Pick<Redis, 'xadd'>, prefix: string) => admin.xadd(`${prefix}:q:events`, '*', 'event', 'drained');
const all = (prefix: string) => ({ keys: [`${prefix}:q:events`], refused: [] });

describe('the documentation', () => {
  test('has a user for each kind of Redis', () => {
    const kinds = documented.map((rules) => needsOf(rules).slice(2).join());
    expect(new Set(kinds)).toEqual(new Set(['', 'database', 'cluster']));
    expect(ofSentinels).toHaveLength(1);
  });

  test.each(documented)('allows what the code needs, and nothing else: %s', (rules) => {
    expect(commandsOf(rules)).toEqual(commandsOf(permissionsFor(...needsOf(rules))));
    expect(rules.split(' ').filter((rule) => rule.startsWith('-'))).toEqual(['-@all']);
    if (!rules.includes('sentinel')) expect(rules).toMatch(/^(%R)?~bull:\* /);
  });
});

describe('a documented user', () => {
  describe.each(ofServers)('with %s', (rules) => {
    testWithRules(rules)('may send all commands to a server, and change nothing', async () => {
      const prefix = ownPrefix();
      const admin = adminRedis();
      const url = await createUser(admin, prefix, rules, inject('redisUrl'));
      for (const db of needsOf(rules).includes('database') ? [0, 2] : [0]) {
        await admin.select(db);
        await write(admin, prefix);

        expect(await askAll(await connect({ url: `${url}/${db}` }), prefix)).toEqual(all(prefix));
        const own = new Redis(url, {
          lazyConnect: true,
          enableReadyCheck: false,
          protocol: 2,
          disableClientInfo: true,
        });
        onTestFinished(() => own.disconnect());
        await expect(write(own, prefix)).rejects.toThrow(/^NOPERM/);
      }
    });
  });

  describe.each(ofClusters)('with %s', (rules) => {
    testWithRules(rules, 'native server')('may read a cluster, also keys that are moving', async () => {
      await using cluster = await startCluster();
      const prefix = '{reader}';
      await write(cluster.client, prefix);
      const urls = await Promise.all(cluster.masters.map(({ admin, url }) => createUser(admin, prefix, rules, url)));
      const connection = await connect({ url: urls[0] ?? '' });
      expect(await askAll(connection, prefix)).toEqual(all(prefix));

      const key = `${prefix}:q:events`;
      const move = await cluster.move(key, cluster.masters.find((node) => node !== cluster.ownerOf(key)) as never);

      expect(await askAll(connection, prefix)).toEqual(all(prefix));
      await move.finish();
      expect(await askAll(connection, prefix)).toEqual(all(prefix));
    });
  });

  testNative.each(ofSentinels)('may ask a Sentinel: %s', async (rules) => {
    const master = await ownServer();
    const sentinel = await startSentinel(master, [`user watcher on >${PASSWORD} ${rules}`]);
    await sentinel.admin.call('ACL', 'SETUSER', 'default', 'off');
    const options = { url: sentinel.url, sentinel: { master: MASTER, user: 'watcher', password: PASSWORD } };

    expect((await connect(options)).target.port).toBe(Number(new URL(master.url).port));
  });
});

describe('a user that lacks one permission', () => {
  const every = permissionsFor('forward', 'reconcile');

  test.each(every.split(' '))('is refused, and told so: %s', async (lacking) => {
    const prefix = ownPrefix();
    const admin = adminRedis();
    await write(admin, prefix);
    const rules = `~bull:* -@all ${every
      .split(' ')
      .filter((permission) => permission !== lacking)
      .join(' ')}`;
    const connection = await connect({ url: await createUser(admin, prefix, rules, inject('redisUrl')) });

    if (lacking === '+scan') {
      expect(await failure(connection.scan('*', { type: 'stream' }))).toMatchObject({
        code: 'REDIS_PERMISSION',
        message: expect.stringContaining(every.replace(' +zrangebyscore', '')),
      });
    } else {
      const { refused } = await askAll(connection, prefix);
      const errors = refused.map((message) => redisError(new Error(message), connection.target, 'reading'));
      expect(errors.map(({ code }) => code)).toContain('REDIS_PERMISSION');
      expect(refused.join()).toContain(lacking.slice(1).split('|')[0]);
    }
  });
});
