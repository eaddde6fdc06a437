import { afterAll, beforeAll, describe, expect, inject, onTestFinished } from 'vitest';
import { connectRedis } from '../../functions/redis/connect.ts';
import { type RedisConnection, ReplyTooLargeError } from '../../functions/redis/port.ts';
import { createDiscovery, discoverQueues } from '../../functions/stream/discovery.ts';
import { awaitNewEntries } from '../../functions/stream/new-entries.ts';
import { beginning } from '../../functions/stream/position.ts';
import { readPages } from '../../functions/stream/read.ts';
import { mayRead, unmet } from '../needs.ts';
import { ownPrefix } from '../redis.ts';
import { startCluster, type TestCluster } from '../redis-cluster.ts';
import { ownServer } from '../replicas.ts';
import { add, end, numbers, read, type Stream } from '../stream/own-stream.ts';
import { testWith } from '../test-with.ts';
import { failure, PASSWORD } from './failure.ts';

const testCounting = testWith('native server', 'counting server');

const test = testWith('native server');
const QUEUES = Array.from({ length: 30 }, (_, n) => `q${n}`);

let cluster: TestCluster;
beforeAll(async () => {
  if (unmet(['native server']).length === 0) cluster = await startCluster();
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

async function connect(url = cluster.masters[0]?.url ?? '', options = {}): Promise<RedisConnection> {
  const connection = await connectRedis({ url, ...options });
  onTestFinished(() => connection.close());
  return connection;
}

/** A stream of a queue `q`, as a connection reads it that was opened before. */
async function ownStream(): Promise<Stream> {
  const prefix = ownPrefix();
  const { admin } = cluster.ownerOf(`${prefix}:q:events`);
  return { admin, connection: await connect(), prefix, key: `${prefix}:q:events` };
}

/** Another master than the one that has the key. */
function otherThan(key: string) {
  const other = cluster.masters.find((master) => master !== cluster.ownerOf(key));
  if (!other) throw new Error('there is one master only');
  return other;
}

/** The numbers that the first page of each queue has, or why it could not be read. */
async function readAll(connection: RedisConnection, prefix: string, queues: readonly string[]) {
  const requests = queues.map((queue) => ({
    cursor: { queue, position: beginning(0), anchors: [] },
    count: 10,
    recount: false,
  }));
  const results = await readPages(connection, requests, { prefix });
  return results.map((result) => ('page' in result ? numbers(result.page) : result.error.code));
}

async function writeAll(prefix: string) {
  for (const [n, queue] of QUEUES.entries()) {
    await cluster.client.xadd(`${prefix}:${queue}:events`, '*', 'n', n);
  }
}

describe('a cluster', () => {
  test('is recognised, and each queue is read from the server that has it, in the order of the queues', async () => {
    const prefix = ownPrefix();
    await writeAll(prefix);

    expect(new Set(QUEUES.map((queue) => cluster.ownerOf(`${prefix}:${queue}:events`))).size).toBe(3);
    expect(await readAll(await connect(), prefix, QUEUES)).toEqual(QUEUES.map((_, n) => [n]));
  });

  test('waits for streams in one hash slot, and refuses streams in several', async () => {
    const prefix = ownPrefix();
    const bell = await connect();
    const ring = (prefix: string) =>
      awaitNewEntries(
        bell,
        ['q0', 'q1', 'q2'].map((queue) => ({ queue, position: beginning(0), anchors: [] })),
        prefix,
      );

    await cluster.client.xadd(`{${prefix}}:q1:events`, '*', 'n', 1);
    const together = await ring(`{${prefix}}`);

    // Each server has some of the streams, so that none can wait for all of them.
    expect(together).toEqual({ queues: ['q1'] });
    expect(await ring(prefix)).toMatchObject({ error: { message: expect.stringMatching(/^CROSSSLOT/) } });
  });

  test('finds the queues of all servers', async () => {
    const prefix = ownPrefix();
    await writeAll(prefix);

    expect(await discoverQueues(await connect(), prefix)).toEqual([...QUEUES].sort());
  });

  test('is scanned in parts, and each server continues where it stopped', async () => {
    const prefix = ownPrefix();
    await writeAll(prefix);
    await Promise.all(Array.from({ length: 15_000 }, (_, n) => cluster.client.set(`${prefix}:q1:${n}`, '')));
    const connection = await connect();
    const discover = createDiscovery(prefix, 1000);
    const look = () => discover(connection, new AbortController().signal);
    expect(await look()).toMatchObject({ queues: [...QUEUES].sort(), isWhole: true });

    for (const queue of ['new1', 'new2', 'new3', 'new4'])
      await cluster.client.xadd(`${prefix}:${queue}:events`, '*', 'n', 1);

    await expect.poll(look).toMatchObject({ queues: expect.arrayContaining(['new1', 'new2', 'new3', 'new4']) });
    expect((await look()).queues).toHaveLength(QUEUES.length + 4);
  });

  test('may be given by several servers, if one of them answers', async () => {
    const { port = 0 } = cluster.masters[2] ?? {};
    const prefix = ownPrefix();
    await writeAll(prefix);
    const connection = await connect(`redis://127.0.0.1:1,127.0.0.1:${port}`, { cluster: true });

    expect(await readAll(connection, prefix, ['q7'])).toEqual([[7]]);
  });

  testCounting('counts trimmed entries in one transaction on the server of the queue', async () => {
    const stream = await ownStream();
    await add(stream, 0, 5);
    const first = await read(stream, undefined);
    await add(stream, 5, 20);
    await stream.admin.xtrim(stream.key, 'MAXLEN', 3);

    const page = await read(stream, end(first));

    expect(page.loss).toMatchObject({ reason: 'trimmed', lost: 17, exact: true });
    expect(numbers(page)).toEqual([22, 23, 24]);
  });

  test('follows a slot that has moved since', async () => {
    const stream = await ownStream();
    await add(stream, 0, 5);
    const first = await read(stream, undefined);
    const to = otherThan(stream.key);
    await (await cluster.move(stream.key, to)).finish();
    await add({ ...stream, admin: to.admin }, 5, 5);

    const page = await read(stream, end(first));
    const again = await read(stream, undefined);

    expect(page.loss).toBeUndefined();
    expect(numbers(page)).toEqual([5, 6, 7, 8, 9]);
    expect(numbers(again)).toHaveLength(10);
  });

  test('follows a slot that is moving, also in a transaction', async () => {
    const stream = await ownStream();
    await add(stream, 0, 5);
    const first = await read(stream, undefined);
    const move = await cluster.move(stream.key, otherThan(stream.key));
    onTestFinished(() => move.finish());

    expect(await read(stream, end(first))).toMatchObject({ entries: [] });
    expect(numbers(await read(stream, undefined))).toEqual([0, 1, 2, 3, 4]);
    // Its neighbours in the same pipeline, on the same and on other servers, are answered in their places.
    const mixed = await readAll(stream.connection, stream.prefix, ['none', 'q', 'nothing', 'q']);
    expect(mixed).toEqual([[], [0, 1, 2, 3, 4], [], [0, 1, 2, 3, 4]]);
  });

  test('stays closed, without open connections, whatever is sent', async () => {
    const prefix = ownPrefix();
    await writeAll(prefix);
    const clients = () =>
      Promise.all(
        cluster.masters.map(async ({ admin }) => /connected_clients:\d+/.exec(await admin.info('clients'))?.[0]),
      );
    const before = await clients();
    const [one, two] = cluster.masters;
    const connection = await connect(`redis://127.0.0.1:${one?.port},localhost:${two?.port}`, { cluster: true });
    await readAll(connection, prefix, QUEUES);
    expect(await clients()).not.toEqual(before);

    connection.close();

    expect(await failure(connection.send([['xrange', `${prefix}:q0:events`, '-', '+']]))).toMatchObject({
      code: 'REDIS_CLOSED',
    });
    expect(await failure(connection.scan('*'))).toMatchObject({ code: 'REDIS_CLOSED' });
    await expect.poll(clients).toEqual(before);
  });

  test('gives up replies that grow too large over all servers, and continues with new connections', async () => {
    const prefix = ownPrefix();
    const data = 'x'.repeat(400_000);
    for (const queue of QUEUES.slice(0, 12)) await cluster.client.xadd(`${prefix}:${queue}:events`, '*', 'data', data);
    const connection = await connect();
    const ask = (queues: readonly string[]) =>
      connection.send(
        queues.map((queue) => ['xrangeBuffer', `${prefix}:${queue}:events`, '-', '+', 'COUNT', 1] as const),
        { maxBytes: 2_500_000 },
      );

    await expect(ask(QUEUES.slice(0, 12))).rejects.toThrow(ReplyTooLargeError);
    expect(await ask(QUEUES.slice(0, 4))).toHaveLength(4);
  });
});

describe('a user of a cluster', () => {
  /** The URL of a user with these rights, on every server. */
  async function userUrl(prefix: string, rights: readonly string[]): Promise<string> {
    for (const { admin } of cluster.masters) {
      await admin.call('ACL', 'SETUSER', prefix, 'on', `>${PASSWORD}`, mayRead(`${prefix}:*`), '-@all', ...rights);
      onTestFinished(async () => {
        await admin.call('ACL', 'DELUSER', prefix);
      });
    }
    return `redis://${prefix}:${PASSWORD}@127.0.0.1:${cluster.masters[0]?.port}`;
  }

  testCounting('gets an error with the missing permission', async () => {
    const prefix = ownPrefix();
    const url = await userUrl(prefix, ['+xrange', '+xinfo|stream', '+multi', '+exec', '+scan']);

    expect(await failure(connectRedis({ url }))).toMatchObject({
      code: 'REDIS_PERMISSION',
      message: expect.stringMatching(
        /asking the cluster for its slots .*'cluster\|slots'.*in a cluster also \+cluster\|slots \+asking/,
      ),
    });
  });
});

describe('a cluster that fails', () => {
  test('continues with the replica of a dead master, or without it, naming the missing server', async () => {
    await using broken = await startCluster({ replicas: 1, args: ['--cluster-require-full-coverage', 'no'] });
    const prefix = ownPrefix();
    for (const queue of QUEUES) await broken.client.xadd(`${prefix}:${queue}:events`, '*', 'n', 1);
    const connection = await connect(broken.masters[2]?.url);
    expect(await readAll(connection, prefix, QUEUES)).toEqual(QUEUES.map(() => [1]));
    const [dead, mute, alive] = broken.masters;
    await dead?.admin.wait(1, 5000);

    await dead?.stop();
    // Whoever is asked for the slots must have heard of the new master.
    const asked = [mute, alive];
    const slots = async () =>
      JSON.stringify(await Promise.all(asked.map((node) => node?.admin.call('CLUSTER', 'SLOTS'))));
    await expect.poll(slots).not.toContain(`${dead?.port}`);
    expect(await readAll(connection, prefix, QUEUES)).toEqual(QUEUES.map(() => [1]));

    await mute?.stop();
    expect(await readAll(connection, prefix, QUEUES)).toEqual(
      QUEUES.map((queue) => (broken.ownerOf(`${prefix}:${queue}:events`) === mute ? 'REDIS_REFUSED' : [1])),
    );
    expect(await failure(connection.scan('*'))).toMatchObject({
      code: 'REDIS_REFUSED',
      message: expect.stringContaining(`127.0.0.1:${mute?.port}, a server of the cluster, as user "default"`),
    });
  });

  test('is not mistaken for a single server', async () => {
    expect(await failure(connectRedis({ url: inject('redisUrl'), cluster: true }))).toMatchObject({
      code: 'REDIS_NOT_CLUSTER',
      message: expect.stringContaining('leave BULLBRIDGE_REDIS_CLUSTER out'),
    });
  });

  test('reports that it serves no slot', async () => {
    const alone = await ownServer(['--cluster-enabled', 'yes']);
    const connection = await connect(alone.url);

    expect(await readAll(connection, ownPrefix(), ['q'])).toEqual(['REDIS_NOT_READY']);
  });

  test('that hides its mode must be configured', async () => {
    await using hidden = await startCluster({ args: ['--rename-command', 'HELLO', ''] });
    const prefix = ownPrefix();
    const [{ url } = { url: '' }] = hidden.masters;
    for (const queue of QUEUES) await hidden.client.xadd(`${prefix}:${queue}:events`, '*', 'n', 1);
    const requests = QUEUES.map((queue) => ({
      cursor: { queue, position: beginning(0), anchors: [] },
      count: 1,
      recount: false,
    }));
    const results = await readPages(await connect(url), requests, { prefix });

    const errors = results.flatMap((result) => ('error' in result ? result.error : []));
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['REDIS_MOVED']));
    expect(errors[0]?.message).toContain('set BULLBRIDGE_REDIS_CLUSTER=true (`cluster: true` in the construct)');
    expect(await readAll(await connect(url, { cluster: true }), prefix, QUEUES)).toEqual(QUEUES.map(() => [1]));
  });
});
