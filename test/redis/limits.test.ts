import net from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { fc, test } from '@fast-check/vitest';
import { Redis } from 'ioredis';
import { beforeAll, describe, expect, inject, onTestFinished } from 'vitest';
import { connectRedis } from '../../functions/redis/connect.ts';
import { type Command, Elided, type RedisConnection, ReplyTooLargeError } from '../../functions/redis/port.ts';
import { lengthOf, toEntries, type Value } from '../../functions/stream/entry.ts';
import { repetitions } from '../effort.ts';
import { listen } from '../listen.ts';
import { ownPrefix } from '../redis.ts';
import { startCluster } from '../redis-cluster.ts';
import { MASTER, startSentinel } from '../redis-sentinel.ts';
import { ownServer } from '../replicas.ts';
import { testWith } from '../test-with.ts';

const testNative = testWith('native server');

const SIZES = [0, 1, 100, 5000, 70_000, 300_000];
/** How many bytes the reply to a command has for a stream with one entry, whose one value has so many. */
const replyBytes = (size: number) => `*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nd\r\n$${size}\r\n\r\n`.length + size;
const keyOf = (prefix: string, size: number) => `{${prefix}}:${size}`;
const read = (prefix: string, size: number): Command => ['xrangeBuffer', keyOf(prefix, size), '-', '+'];

async function write(admin: { xadd: Redis['xadd'] }, prefix: string) {
  for (const size of SIZES) await admin.xadd(keyOf(prefix, size), '1-1', 'd', 'x'.repeat(size));
}

async function connect(url: string, options = {}): Promise<RedisConnection> {
  const connection = await connectRedis({ url, ...options });
  onTestFinished(() => connection.close());
  return connection;
}

/** A server whose replies arrive in pieces of these sizes, by turns. */
async function inPieces(sizes: readonly number[]): Promise<string> {
  const { hostname, port } = new URL(inject('redisUrl'));
  const server = net.createServer(async (socket) => {
    const upstream = net.connect(Number(port), hostname);
    for (const end of [socket, upstream]) end.setNoDelay().on('error', () => {});
    socket.pipe(upstream);
    let turn = 0;
    // One that is too large is not read to its end.
    socket.on('close', () => upstream.end());
    for await (const chunk of upstream as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length; turn += 1) {
        const size = sizes[turn % sizes.length] ?? 1;
        if (!socket.destroyed) socket.write(chunk.subarray(at, at + size));
        at += size;
        await setImmediate();
      }
    }
  });
  return `redis://127.0.0.1:${await listen(server)}`;
}

/** What becomes of a question: the sizes of the values in its replies, or the name of the error. */
const outcome = (sent: Promise<unknown[]>) =>
  sent.then(
    (replies) => replies.map((reply) => lengthOf(toEntries(reply)[0]?.fields[1] as Value)),
    (error: Error) => (error instanceof ReplyTooLargeError ? 'too large' : error),
  );

const question = fc.record({
  sizes: fc.array(fc.constantFrom(...SIZES), { minLength: 1, maxLength: 3 }),
  /** Bytes that the limit is above the reply; below it where it is negative. */
  room: fc.constantFrom(undefined, 1_000_000, 1, 0, -1, -2, -40, -1000, -60_000),
});

describe('a limit on the bytes of a reply', () => {
  const prefix = ownPrefix();
  beforeAll(async () => {
    const admin = new Redis(inject('redisUrl'));
    await write(admin, prefix);
    admin.disconnect();
  });

  const ask = (connection: RedisConnection, { sizes, room }: { sizes: number[]; room: number | undefined }) => {
    const bytes = sizes.reduce((sum, size) => sum + replyBytes(size), 0);
    const limits = room === undefined ? {} : { maxBytes: Math.max(0, bytes + room) };
    return outcome(
      connection.send(
        sizes.map((size) => read(prefix, size)),
        limits,
      ),
    );
  };
  const expected = ({ sizes, room = 0 }: { sizes: number[]; room: number | undefined }) =>
    room < 0 ? 'too large' : sizes;

  test.prop([fc.array(question, { minLength: 1, maxLength: 6 })], { numRuns: repetitions(60, 20) })(
    'is exact to the byte, and the connection continues, whatever came before',
    async (questions) => {
      await using connection = disposable(await connectRedis({ url: inject('redisUrl') }));
      for (const each of questions) expect(await ask(connection, each)).toEqual(expected(each));
    },
  );

  test.prop([fc.array(question, { minLength: 2, maxLength: 6 })], { numRuns: repetitions(60, 20) })(
    'counts its own commands, and no others of the same time',
    async (questions) => {
      await using connection = disposable(await connectRedis({ url: inject('redisUrl') }));
      const outcomes = await Promise.all(questions.map((each) => ask(connection, each)));
      expect(outcomes).toEqual(questions.map(expected));
    },
  );

  test.prop(
    [
      fc.array(question, { minLength: 1, maxLength: 3 }),
      fc.array(fc.integer({ min: 500, max: 90_000 }), { minLength: 1 }),
    ],
    {
      numRuns: repetitions(25, 10),
    },
  )('does not depend on the chunks in which the reply arrives', async (questions, pieces) => {
    await using connection = disposable(await connectRedis({ url: await inPieces(pieces) }));
    for (const each of questions) expect(await ask(connection, each)).toEqual(expected(each));
  });
});

describe('a limit on the bytes of a value', () => {
  const prefix = ownPrefix();
  beforeAll(async () => {
    const admin = new Redis(inject('redisUrl'));
    await write(admin, prefix);
    admin.disconnect();
  });

  const asked = fc.record({
    sizes: fc.array(fc.constantFrom(...SIZES), { minLength: 1, maxLength: 3 }),
    maxValueBytes: fc.constantFrom(undefined, 0, 99, 5000, 69_999, 299_999),
  });
  const values = (replies: unknown[]) =>
    replies.map((reply) => {
      const value = toEntries(reply)[0]?.fields.at(-1) as Value;
      return value instanceof Elided ? ['elided', value.bytes, value.head.toString()] : ['whole', value.length];
    });

  test.prop(
    [
      fc.array(asked, { minLength: 2, maxLength: 6 }),
      fc.array(fc.integer({ min: 500, max: 90_000 }), { minLength: 1 }),
    ],
    { numRuns: repetitions(25, 10) },
  )('removes long values, whatever the chunks, and does not change the next replies', async (questions, pieces) => {
    await using connection = disposable(await connectRedis({ url: await inPieces(pieces) }));
    const replies = await Promise.all(
      questions.map(({ sizes, maxValueBytes }) =>
        connection.send(
          sizes.map((size) => read(prefix, size)),
          { maxValueBytes: maxValueBytes === undefined ? undefined : Math.max(3, maxValueBytes) },
        ),
      ),
    );

    expect(replies.map(values)).toEqual(
      questions.map(({ sizes, maxValueBytes = Number.POSITIVE_INFINITY }) =>
        sizes.map((size) =>
          size > Math.max(3, maxValueBytes) ? ['elided', size, 'x'.repeat(Math.min(size, 1024))] : ['whole', size],
        ),
      ),
    );
  });
});

describe('after a reply that was too large', () => {
  async function goesOn(connection: RedisConnection, prefix: string) {
    for (const size of SIZES) {
      const bytes = replyBytes(size);
      expect(await outcome(connection.send([read(prefix, size)], { maxBytes: bytes - 1 }))).toBe('too large');
      expect(await outcome(connection.send([read(prefix, size)], { maxBytes: bytes }))).toEqual([size]);
    }
  }

  testNative('a cluster is read on', async () => {
    await using cluster = await startCluster();
    const prefix = ownPrefix();
    await write(cluster.client, prefix);

    await goesOn(await connect(cluster.masters[0]?.url ?? ''), prefix);
  });

  testNative('the master that Sentinels name is read on', async () => {
    const master = await ownServer();
    const prefix = ownPrefix();
    await write(master.admin, prefix);
    const { url } = await startSentinel(master);

    await goesOn(await connect(url, { sentinel: { master: MASTER } }), prefix);
  });

  testNative('a server that is gone is an error of its own, and read again once it is back', async () => {
    const { url, admin } = await ownServer();
    await write(admin, 'p');
    const connection = await connect(url);
    await admin.config('SET', 'maxclients', 1);

    expect(await outcome(connection.send([read('p', 100)], { maxBytes: 9 }))).toBe('too large');
    expect(await outcome(connection.send([read('p', 100)]))).toMatchObject({ code: 'REDIS_MAX_CLIENTS' });
    await admin.config('SET', 'maxclients', 100);

    expect(await outcome(connection.send([read('p', 100)]))).toEqual([100]);
  });
});

describe('a connection that was closed', () => {
  test.each([
    ['before it is used', 0],
    ['while it is used', 2],
  ])('%s stays closed', async (_, pending) => {
    const connection = await connect(inject('redisUrl'));
    const blocked = Array.from({ length: pending }, () =>
      outcome(connection.send([['xread', 'BLOCK', 5000, 'STREAMS', ownPrefix(), '$']])),
    );

    connection.close();

    for (const sent of [...blocked, outcome(connection.send([['scan', 0]]))])
      expect(await sent).toMatchObject({ code: 'REDIS_CLOSED' });
  });
});

function disposable(connection: RedisConnection): RedisConnection & AsyncDisposable {
  return Object.assign(Object.create(connection), { [Symbol.asyncDispose]: async () => connection.close() });
}
