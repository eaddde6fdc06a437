import { type ConnectionOptions, Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { adminRedis, ownPrefix } from '../redis.ts';
import { startCluster } from '../redis-cluster.ts';
import { testStack } from '../stack.ts';
import { testWithRules } from '../test-with.ts';
import { readPages } from './pages.ts';

/** Key pattern and commands, as in `ACL SETUSER` and in the access strings of AWS. */
const RIGHTS = /(?:%R)?~bull:\*(?: [+-][@\w|]+)+/g;

const pages = await readPages('README.md', 'docs/*.md');
const documented = [...new Set(pages.flatMap(({ text }) => plain(text).match(RIGHTS) ?? []))];
const ofClusters = documented.filter((rights) => rights.includes('+cluster'));

/** Lines of a shell as one, and without quotes. */
function plain(text: string): string {
  return text.replaceAll(/\\\n\s*/g, '').replaceAll("'", '');
}

test('the documentation has rights for a server and for a cluster', () => {
  expect(documented.length).toBeGreaterThan(ofClusters.length);
  expect(ofClusters).not.toEqual([]);
});

describe.each(documented)('a Redis user with %s', (rights) => {
  const test = testWithRules(rights);

  test('is enough to forward, to listen and to recover', async () => {
    await expectWork(await shareServer(rights));
  });

  test('is enough in another database with +select', async () => {
    await expectWork(await shareServer(`${rights} +select`, '/1'));
  });
});

describe.each(ofClusters)('a Redis user with %s', (rights) => {
  testWithRules(rights, 'native server')('is enough in a cluster', async () => {
    await using cluster = await startCluster();
    const prefix = '{jobs}';
    await runJob(cluster.client, prefix);
    const urls = await Promise.all(cluster.masters.map(({ admin }) => createUser(admin, prefix, rights)));

    await expectWork({ REDIS_URL: urls[0] ?? '', BULLBRIDGE_PREFIX: prefix });
  });
});

/** A user of the server that all tests share, for a prefix of its own, under which a job has run. */
async function shareServer(rights: string, database = ''): Promise<Readonly<Record<string, string>>> {
  const prefix = ownPrefix();
  const admin = adminRedis();
  const url = await createUser(admin, prefix, rights);
  onTestFinished(async () => void (await admin.call('ACL', 'DELUSER', `reader-${prefix}`)));
  await runJob({ url: `${inject('redisUrl')}${database}`, maxRetriesPerRequest: null }, prefix);
  return { REDIS_URL: `${url}${database}`, BULLBRIDGE_PREFIX: prefix };
}

/** @returns the server's URL with the user */
async function createUser(admin: Redis, prefix: string, rights: string): Promise<string> {
  const user = `reader-${prefix}`;
  await admin.call('ACL', 'SETUSER', user, 'on', '>secret', ...rights.replace('~bull:', `~${prefix}:`).split(' '));
  return `redis://${encodeURIComponent(user)}:secret@${admin.options.host}:${admin.options.port}`;
}

/** Runs a job of a real queue with a real worker. */
async function runJob(connection: ConnectionOptions, prefix: string): Promise<void> {
  const queue = new Queue('emails', { prefix, connection });
  const worker = new Worker('emails', async () => 'sent', { prefix, connection });
  const completed = new Promise((resolve) => worker.once('completed', resolve));
  await queue.add('welcome', {});
  await completed;
  await Promise.all([worker.close(), queue.close()]);
}

/** Forwards the job in a run that listens, and recovers it. */
async function expectWork(environment: Readonly<Record<string, string>>): Promise<void> {
  const stack = await testStack({
    ...environment,
    BULLBRIDGE_JOB_FIELDS: 'name',
    BULLBRIDGE_TAIL: 'always',
    // Behind its interval, a run looks for its successor each half second.
    BULLBRIDGE_INTERVAL_SECONDS: '1',
  });
  const jobs = () => stack.bus.accepted.map(({ detail }) => detail['job']);

  const listening = stack.forward.invoke({});
  await expect.poll(jobs).toEqual([{ name: 'welcome' }]);
  // A run that listens goes on until its successor asks for the lease.
  const successor = stack.start('forward', { BULLBRIDGE_TAIL: 'never' });
  expect(await successor.invoke({})).toMatchObject({ published: 0, queues: 1, caughtUp: true });
  expect(await listening).toMatchObject({ published: 1, queues: 1, caughtUp: true });
  const all = { queue: 'emails', since: 0, until: Date.now() + 60_000 };
  expect(await stack.reconcile.invoke(all)).toMatchObject({ completed: 1, caughtUp: true });
  expect(stack.log.filter((line) => line.includes('NOPERM'))).toEqual([]);
}
