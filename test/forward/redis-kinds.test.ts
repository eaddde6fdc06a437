import { Queue, Worker } from 'bullmq';
import { describe, expect } from 'vitest';
import { mayRead } from '../needs.ts';
import { ownPrefix } from '../redis.ts';
import { startCluster, type TestCluster } from '../redis-cluster.ts';
import { startIamRedis } from '../redis-iam.ts';
import { failOver, MASTER, startPair, startSentinel } from '../redis-sentinel.ts';
import { rejection } from '../rejection.ts';
import { testStack } from '../stack.ts';
import { testWith } from '../test-with.ts';

const test = testWith('native server');
const READER = ['-@all', '+xrange', '+xinfo|stream', '+multi', '+exec', '+scan'];

/** Runs jobs of real queues with real workers, until all have ended. */
async function runJobs({ client }: TestCluster, prefix: string, queues: readonly string[], jobs: number) {
  await Promise.all(
    queues.map(async (name) => {
      const options = { prefix, connection: client };
      const queue = new Queue(name, options);
      const worker = new Worker(name, async ({ data }) => data, options);
      let left = jobs;
      const done = new Promise<void>((resolve) => {
        worker.on('completed', () => {
          left -= 1;
          if (left === 0) resolve();
        });
      });
      await queue.addBulk(Array.from({ length: jobs }, (_, n) => ({ name: 'job', data: { n } })));
      await done;
      await worker.close();
      await queue.close();
    }),
  );
}

describe('the built function', () => {
  test.each([
    ['with the braces in the prefix', '{bull}', ['emails', 'reports', 'images']],
    ['with the braces in the names of the queues', 'bull', ['{emails}', '{reports}', '{images}', '{sms}']],
  ])('forwards the jobs of workers on a cluster, %s', async (_, prefix, queues) => {
    await using cluster = await startCluster();
    await runJobs(cluster, prefix, queues, 20);
    const stack = await testStack({
      REDIS_URL: cluster.masters[0]?.url ?? '',
      BULLBRIDGE_PREFIX: prefix,
      BULLBRIDGE_REDIS_CLUSTER: 'true',
      BULLBRIDGE_EVENTS: 'completed',
      BULLBRIDGE_JOB_FIELDS: 'name+data.n',
    });

    const result = await stack.forward.invoke({});

    expect(result).toMatchObject({ published: 20 * queues.length, lost: 0, queues: queues.length, caughtUp: true });
    const seen = stack.bus.accepted.map(({ Detail }) => JSON.parse(Detail ?? '{}'));
    for (const queue of queues) {
      const values = seen.filter((detail) => detail.queue === queue).map(({ returnvalue }) => returnvalue.n);
      expect(values.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n));
      for (const { job, returnvalue } of seen) expect(job).toEqual({ name: 'job', data: { n: returnvalue.n } });
    }
    expect(await stack.forward.invoke({})).toMatchObject({ published: 0, caughtUp: true });
    expect(
      await stack.reconcile.invoke({ queue: queues[1] ?? '', since: 0, until: Date.now() + 60_000 }),
    ).toMatchObject({
      completed: 20,
      caughtUp: true,
    });
  });

  test('listens on a cluster, to streams in one hash slot or in several, and while a slot moves', async () => {
    await using cluster = await startCluster();
    for (const [prefix, queues] of [
      ['{bull}', ['emails', 'reports']],
      ['bull', ['{emails}', '{reports}', '{images}']],
    ] as const) {
      const stack = await testStack({
        REDIS_URL: cluster.masters[0]?.url ?? '',
        BULLBRIDGE_PREFIX: prefix,
        BULLBRIDGE_QUEUES: queues.join(),
        BULLBRIDGE_REDIS_CLUSTER: 'true',
        BULLBRIDGE_TAIL: 'always',
      });
      const keys = queues.map((queue) => `${prefix}:${queue}:events`);
      const added: (string | null)[] = [];
      const add = async (key: string) => added.push(await cluster.client.xadd(key, '*', 'event', 'completed'));
      const ids = () => stack.bus.accepted.map(({ detail }) => detail['streamId']);
      const arrived = () => expect.poll(() => ids().sort()).toEqual(added.toSorted());
      const running = stack.forward.invoke().then(
        () => 'ended',
        (error: Error) => error.name,
      );

      for (const key of [...keys, ...keys]) {
        await add(key);
        await arrived();
      }
      // Whoever waits at the master that had the slot is sent away.
      const [key = ''] = keys;
      const to = cluster.masters.find((master) => master !== cluster.ownerOf(key));
      await (await cluster.move(key, to as TestCluster['masters'][number])).finish();
      await add(key);
      await arrived();

      stack.forward.kill();
      expect(await running).toBe('Runtime.ExitError');
    }
  });

  testWith(
    'native server',
    'TLS server',
    'openssl',
  )('logs in with an IAM token, over TLS with an authority of the user', async () => {
    const prefix = ownPrefix();
    const user = {
      name: 'forwarder',
      rules: [mayRead(`${prefix}:*`), ...READER],
      request: 'my-cache/?Action=connect&User=forwarder&ResourceType=ServerlessCache&',
      secretKey: 'local',
    };
    const redis = await startIamRedis(user);
    await redis.server.admin.xadd(`${prefix}:emails:events`, '*', 'event', 'completed', 'jobId', '1');
    await redis.server.admin.hset(`${prefix}:emails:meta`, 'a', 'b');
    const environment = {
      REDIS_URL: `rediss://forwarder@127.0.0.1:${redis.port}`,
      BULLBRIDGE_PREFIX: prefix,
      BULLBRIDGE_REDIS_CA: redis.ca,
      BULLBRIDGE_REDIS_IAM: 'elasticache-serverless:My-Cache',
    };
    const stack = await testStack(environment);

    expect(await stack.forward.invoke({})).toMatchObject({ published: 1, caughtUp: true });
    expect(await stack.forward.invoke({})).toMatchObject({ published: 0, caughtUp: true });
    expect(redis.accepted()).toBe(2);

    const other = stack.start('forward', { BULLBRIDGE_REDIS_IAM: 'elasticache:my-cache' });
    const error = await rejection(other.invoke({}));
    expect(error.message).toMatch(
      /as user "forwarder": the IAM token is refused \(WRONGPASS.*grant the function's role/,
    );
    expect(error.message).not.toContain('X-Amz-Signature');
    expect(stack.log.join()).not.toContain('X-Amz-Signature');
  });

  test('continues with the master that Sentinels name, with the login in the secret', async () => {
    const prefix = ownPrefix();
    const { master, replica } = await startPair();
    const sentinel = await startSentinel(master, ['user watcher on >hunter2 +@all']);
    const secret = { url: `${sentinel.url},127.0.0.1:1`, sentinelUsername: 'watcher', sentinelPassword: 'hunter2' };
    const stack = await testStack(
      {
        REDIS_URL: '',
        REDIS_URL_SECRET_ARN: 'redis',
        BULLBRIDGE_REDIS_SENTINEL: MASTER,
        BULLBRIDGE_PREFIX: prefix,
        BULLBRIDGE_QUEUES: 'emails',
      },
      { redis: JSON.stringify(secret) },
    );
    const write = ({ admin }: typeof master) =>
      admin.xadd(`${prefix}:emails:events`, '*', 'event', 'completed', 'jobId', '1');
    await write(master);
    expect(await stack.forward.invoke({})).toMatchObject({ published: 1, lost: 0, caughtUp: true });
    await replica.waitFor();

    await failOver(sentinel.admin, replica);
    await write(replica);

    expect(await stack.forward.invoke({})).toMatchObject({ published: 1, lost: 0, caughtUp: true });
  });
});
