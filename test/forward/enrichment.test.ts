import * as bullmq6 from 'bullmq';
import * as bullmq4 from 'bullmq4';
import * as bullmq5 from 'bullmq5';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { startRedis } from '../../local/redis.ts';
import { DEAD_LETTERS, PAYLOADS } from '../../local/stack.ts';
import { mayRead } from '../needs.ts';
import { adminRedis } from '../redis.ts';
import { rejection } from '../rejection.ts';
import { type TestStack, testStack } from '../stack.ts';
import { inStreamOrder } from '../stream-order.ts';
import { testWith } from '../test-with.ts';

const testCounting = testWith('counting server');

// The three versions have one interface as far as it is used here.
const VERSIONS = [
  ['4', bullmq4 as unknown as typeof bullmq6],
  ['5', bullmq5 as unknown as typeof bullmq6],
  ['6', bullmq6],
] as const;

function connectionOf(prefix: string) {
  const { hostname: host, port } = new URL(inject('redisUrl'));
  return { prefix, connection: { host, port: Number(port), maxRetriesPerRequest: null } };
}

/** Works on the jobs of a queue until so many have ended. */
async function work({ Worker }: typeof bullmq6, prefix: string, name: string, jobs: number): Promise<void> {
  const done = Promise.withResolvers<void>();
  let left = jobs;
  const processor = async (job: bullmq6.Job) => {
    if (job.name === 'fails') throw new Error('declined');
    return { sent: true };
  };
  const worker = new Worker(name, processor, connectionOf(prefix));
  const one = () => {
    left -= 1;
    if (left === 0) done.resolve();
  };
  worker.on('completed', one);
  worker.on('failed', (job) => job && job.attemptsMade >= (job.opts.attempts ?? 1) && one());
  await done.promise;
  await worker.close();
}

function openQueue({ Queue }: typeof bullmq6, prefix: string, name = 'emails', options: object = {}): bullmq6.Queue {
  const queue = new Queue(name, { ...connectionOf(prefix), ...options });
  onTestFinished(() => queue.close());
  return queue;
}

/** Jobs of a queue `q`, each completed, without BullMQ. */
async function write({ prefix }: TestStack, jobs: readonly Readonly<Record<string, string>>[], returnvalue = '1') {
  const pipeline = adminRedis().pipeline().hset(`${prefix}:q:meta`, 'opts.maxLenEvents', 10_000);
  for (const [n, job] of jobs.entries()) {
    pipeline.hset(`${prefix}:q:${n}`, { name: 'send', timestamp: '1', opts: '{}', data: '{}', ...job });
    pipeline.xadd(`${prefix}:q:events`, '*', 'event', 'completed', 'jobId', `${n}`, 'returnvalue', returnvalue);
  }
  await pipeline.exec();
}

const arrived = ({ bus }: TestStack) => inStreamOrder(bus.accepted).map(({ detail }) => detail);
const of = (stack: TestStack, event: string) => arrived(stack).filter((detail) => detail['event'] === event);

describe.each(VERSIONS)('events of BullMQ %s', (_, bullmq) => {
  test('have the job fields that BullMQ itself reports', async () => {
    const names =
      'name+attemptsMade+timestamp+processedOn+finishedOn+delay+priority+parent+opts.attempts+opts.keepLogs+data.n';
    const stack = await testStack({ BULLBRIDGE_JOB_FIELDS: names, BULLBRIDGE_EVENTS: 'completed,failed' });
    const queue = openQueue(bullmq, stack.prefix);
    const flows = new bullmq.FlowProducer(connectionOf(stack.prefix));
    onTestFinished(() => flows.close());
    await queue.add('send', { n: 1, secret: 'x' }, { attempts: 3, keepLogs: 7 });
    await queue.add('fails', { n: { deep: [2] } }, { attempts: 2, priority: 3 });
    await flows.add({
      name: 'parent',
      queueName: 'parents',
      children: [{ name: 'child', queueName: 'emails', data: {} }],
    });
    await work(bullmq, stack.prefix, 'emails', 3);

    await stack.forward.invoke({});

    const told = [...of(stack, 'completed'), ...of(stack, 'failed')];
    expect(told.map(({ event }) => event)).toEqual(['completed', 'completed', 'failed']);
    for (const { jobId, job } of told) {
      const { name, attemptsMade, timestamp, processedOn, finishedOn, delay, parent, opts, data } = (await queue.getJob(
        `${jobId}`,
      )) as bullmq6.Job;
      expect(job).toEqual({
        name,
        attemptsMade,
        timestamp,
        processedOn,
        finishedOn,
        delay,
        priority: opts.priority ?? 0,
        ...(parent && { parent: { id: parent.id, queueKey: parent.queueKey } }),
        opts: {
          ...(opts.attempts !== undefined && { attempts: opts.attempts }),
          ...(opts.keepLogs && { keepLogs: 7 }),
        },
        ...(data.n && { data: { n: data.n } }),
      });
    }
    expect(told.map(({ job }) => (job as { parent?: object }).parent !== undefined)).toContain(true);
  });

  test('show that a job no longer exists', async () => {
    const stack = await testStack({ BULLBRIDGE_JOB_FIELDS: 'name+trace' });
    await openQueue(bullmq, stack.prefix).add('send', {}, { removeOnComplete: true });
    await work(bullmq, stack.prefix, 'emails', 1);

    await stack.forward.invoke({});

    expect(of(stack, 'completed')).toMatchObject([{ job: null, returnvalue: { sent: true } }]);
  });
});

describe('the job fields of events', () => {
  test('are those configured for each event, and none for events of a queue', async () => {
    const environment = {
      BULLBRIDGE_JOB_FIELDS: 'name,failed=attemptsMade+opts.attempts,active=',
      BULLBRIDGE_EVENTS: '*',
    };
    const stack = await testStack(environment);
    const queue = openQueue(bullmq6, stack.prefix);
    await queue.pause();
    await queue.resume();
    await queue.add('fails', {}, { attempts: 1 });
    await work(bullmq6, stack.prefix, 'emails', 1);

    await stack.forward.invoke({});

    expect(of(stack, 'added')).toMatchObject([{ job: { name: 'fails' } }]);
    expect(of(stack, 'failed')).toMatchObject([{ job: { attemptsMade: 1, opts: { attempts: 1 } } }]);
    expect(of(stack, 'failed')[0]?.['job']).not.toHaveProperty('name');
    for (const event of ['active', 'paused', 'resumed', 'drained']) {
      expect(of(stack, event).length).toBeGreaterThan(0);
      for (const detail of of(stack, event)) expect(detail).not.toHaveProperty('job');
    }
  });

  test('need one HMGET for each job in a sweep, only for the needed fields, and none if no fields are configured', async () => {
    // ioredis fails where a command of another client comes right behind the reply to MONITOR.
    await using server = await startRedis();
    const stack = await testStack({
      REDIS_URL: server.url,
      BULLBRIDGE_JOB_FIELDS: 'progress=data.a,completed=name,failed=',
      BULLBRIDGE_EVENTS: '*',
    });
    const key = `${stack.prefix}:q`;
    const admin = adminRedis(server.url);
    const commands: string[][] = [];
    const monitor = await adminRedis(server.url).monitor();
    onTestFinished(() => monitor.disconnect());
    monitor.on('monitor', (_time: string, args: string[]) => {
      if (args[1]?.startsWith(`${key}:`) && args[0]?.toLowerCase() === 'hmget') commands.push(args.slice(1));
    });
    await admin.hset(`${key}:meta`, 'opts.maxLenEvents', 10_000);
    for (const id of ['1', '2', '3'])
      await admin.hset(`${key}:${id}`, { name: id, timestamp: 1, data: '{"a":7}', opts: '{}' });
    for (const [event, id] of [
      ['progress', 1],
      ['completed', 1],
      ['completed', 2],
      ['failed', 3],
      ['active', 3],
    ] as const)
      await admin.xadd(`${key}:events`, '*', 'event', event, 'jobId', id, 'data', '1');

    expect(await stack.forward.invoke({})).toMatchObject({ published: 5 });

    const ofJobs = () => commands.filter(([name]) => name !== `${key}:meta`);
    await expect.poll(ofJobs).toEqual([
      [`${key}:1`, 'timestamp', 'data', 'name'],
      [`${key}:2`, 'timestamp', 'name'],
    ]);
    expect(arrived(stack).map(({ job }) => job)).toEqual([
      { data: { a: 7 } },
      { name: '1' },
      { name: '2' },
      undefined,
      undefined,
    ]);

    const without = await testStack({ REDIS_URL: server.url, BULLBRIDGE_PREFIX: stack.prefix });
    expect(await without.forward.invoke({})).toMatchObject({ published: 3, filtered: 2 });
    await admin.hmget(`${key}:end`, 'x');
    await expect.poll(() => ofJobs().at(-1)).toEqual([`${key}:end`, 'x']);
    expect(ofJobs()).toHaveLength(3);
  });

  test('leave out values that are too large, within the memory of the function: jobs of 3 MB, and one of 20 MB', async () => {
    const stack = await testStack({ BULLBRIDGE_JOB_FIELDS: 'name+data.id+data+opts.attempts' });
    const job = (bytes: number) => ({
      data: JSON.stringify({ id: 1, text: 'x'.repeat(bytes) }),
      opts: '{"attempts":3}',
    });
    await write(stack, [...Array.from({ length: 30 }, () => job(3_000_000)), job(20_000_000), job(900_000), job(10)]);

    expect(await stack.forward.invoke({})).toMatchObject({ published: 33, caughtUp: true });

    const large = { name: 'send', opts: { attempts: 3 }, omitted: ['data', 'data.id'] };
    const told = arrived(stack).map(({ job: one }) => one);
    expect(told.slice(0, 31)).toEqual(Array.from({ length: 31 }, () => large));
    expect(told[31]).toEqual({ ...large, data: { id: 1 }, omitted: ['data'] });
    expect(told[32]).toEqual({ name: 'send', opts: { attempts: 3 }, data: { id: 1, text: 'x'.repeat(10) } });
    expect(stack.forward.usage.maxMemory).toBeLessThan(256 * 1024 * 1024);
  });

  testCounting('can be large: a sweep of 60 MB is settled in parts, each event once and in order', async () => {
    const stack = await testStack({ BULLBRIDGE_JOB_FIELDS: 'data', BULLBRIDGE_JOB_DATA_BYTES: '65536' });
    const data = JSON.stringify({ text: 'x'.repeat(60_000) });
    await write(
      stack,
      Array.from({ length: 1000 }, () => ({ data })),
    );

    expect(await stack.forward.invoke({})).toMatchObject({ published: 1000, lost: 0, caughtUp: true });

    expect(arrived(stack).map(({ sequence }) => sequence)).toEqual(Array.from({ length: 1000 }, (_, n) => n + 1));
    expect(arrived(stack).every(({ job }) => JSON.stringify(job) === `{"data":${data}}`)).toBe(true);
    expect(await stack.forward.invoke({})).toMatchObject({ published: 0, lost: 0 });
    expect(stack.forward.usage.maxMemory).toBeLessThan(256 * 1024 * 1024);
  });

  test('of an unknown event cause a warning', async () => {
    const stack = await testStack({ BULLBRIDGE_JOB_FIELDS: 'name,complete=name' });
    await stack.forward.invoke({});

    expect(stack.log.join()).toContain(
      'BULLBRIDGE_JOB_FIELDS names \\"complete\\", which BullMQ does not emit; did you mean \\"completed\\"?',
    );
  });

  test('are read from the job with the id, and from no other key', async () => {
    const stack = await testStack({ BULLBRIDGE_JOB_FIELDS: 'name' });
    const key = `${stack.prefix}:q`;
    const admin = adminRedis();
    const odd = Buffer.from([0xff, 0x3a]);
    await admin.hset(Buffer.concat([Buffer.from(`${key}:`), odd]), { name: 'odd', timestamp: 1 });
    await admin.hset(`${key}:meta`, 'opts.maxLenEvents', 10_000);
    for (const id of [odd, 'events', 'meta', 'a:b'])
      await admin.xadd(`${key}:events`, '*', 'event', 'completed', 'jobId', id);
    await admin.hset(`${key}:a:b`, { name: 'colon', timestamp: 1 });

    await stack.forward.invoke({});

    expect(arrived(stack).map(({ job }) => job)).toEqual([{ name: 'odd' }, null, null, { name: 'colon' }]);
  });

  test('need +hmget: without it, a run fails, names it, and skips nothing', async () => {
    const stack = await testStack();
    await write(stack, [{}, {}]);
    const admin = adminRedis();
    const user = `reader-${stack.prefix}`;
    const userWith = async (...commands: string[]) => {
      const rules = [
        'reset',
        'on',
        '>secret',
        mayRead(`${stack.prefix}:*`),
        '-@all',
        '+xrange',
        '+xinfo|stream',
        '+multi',
      ];
      await admin.call('ACL', 'SETUSER', user, ...rules, '+exec', '+scan', ...commands);
      return Object.assign(new URL(inject('redisUrl')), { username: user, password: 'secret' }).href;
    };
    onTestFinished(async () => void (await admin.call('ACL', 'DELUSER', user)));
    const environment = { BULLBRIDGE_JOB_FIELDS: 'name' };

    const less = stack.start('forward', { ...environment, REDIS_URL: await userWith() });
    expect(await rejection(less.invoke({}))).toMatchObject({
      name: 'RedisError',
      message: expect.stringMatching(
        /reading jobs of \S+:q failed .* the user may not do this \(NOPERM.*\+hmget for forward/,
      ),
    });
    expect(arrived(stack)).toEqual([]);

    const enough = stack.start('forward', { ...environment, REDIS_URL: await userWith('+hmget') });
    expect(await enough.invoke({})).toMatchObject({ published: 2, lost: 0 });
    expect(arrived(stack)).toMatchObject([{ job: { name: 'send' } }, { job: { name: 'send' } }]);
  });
});

describe('the trace of a job', () => {
  /** Spans that are numbers, and the context that a queue hands on: what an adapter for OpenTelemetry makes. */
  function telemetryOf(traceparents: string[]): bullmq6.Telemetry<string> {
    const span = {
      setSpanOnContext: () => {
        const traceparent = `00-${'ab'.repeat(16)}-${`${traceparents.length + 1}`.padStart(16, '0')}-01`;
        traceparents.push(traceparent);
        return traceparent;
      },
      setAttribute: () => {},
      setAttributes: () => {},
      addEvent: () => {},
      recordException: () => {},
      end: () => {},
    };
    return {
      tracer: { startSpan: () => span },
      contextManager: {
        with: (_context, run) => run(),
        active: () => '',
        getMetadata: (traceparent) => JSON.stringify({ traceparent }),
        fromMetadata: (_active, metadata) => metadata,
      },
    };
  }

  test('continues in its events, also if they are parked and sent again', async () => {
    const stack = await testStack({ BULLBRIDGE_JOB_FIELDS: 'trace', BULLBRIDGE_EVENTS: 'added' });
    const traceparents: string[] = [];
    const queue = openQueue(bullmq6, stack.prefix, 'emails', { telemetry: telemetryOf(traceparents) });
    await queue.add('send', {});
    await openQueue(bullmq6, stack.prefix).add('send', {});
    stack.bus.faults.putEvents = () => ({ kind: 'entries', codes: { 0: 'InvalidArgument', 1: 'InvalidArgument' } });

    expect(await stack.forward.invoke({})).toMatchObject({ parked: 2 });
    stack.bus.faults.putEvents = undefined;
    expect(await stack.redrive.invoke({})).toMatchObject({ redriven: 2 });

    expect(traceparents).toHaveLength(1);
    const traced = inStreamOrder(stack.bus.accepted);
    expect(traced.map(({ TraceHeader }) => TraceHeader)).toEqual([
      `Root=1-abababab-${'ab'.repeat(12)};Parent=0000000000000001;Sampled=1`,
      undefined,
    ]);
    for (const detail of arrived(stack)) expect(detail).not.toHaveProperty('job');
  });
});

describe('a field that must not leave Redis', () => {
  const SECRET = '5EC12E7';
  const OMIT = { BULLBRIDGE_OMIT: 'returnvalue.card,job.data.password,failedReason', BULLBRIDGE_JOB_FIELDS: 'data' };
  const jobs = [{ data: JSON.stringify({ user: 1, password: SECRET }) }];
  const value = (size = 0) => JSON.stringify({ card: SECRET, text: 'x'.repeat(size) });
  const omitted = ['returnvalue.card', 'job.data.password'];

  test('is in no event that is published or parked', async () => {
    const stack = await testStack(OMIT);
    await write(stack, jobs, value());
    await stack.forward.invoke({});
    expect(arrived(stack)).toMatchObject([{ returnvalue: { text: '' }, job: { data: { user: 1 } }, omitted }]);

    stack.bus.faults.putEvents = () => ({ kind: 'entries', codes: { 0: 'InvalidArgument' } });
    await write(stack, jobs, value());
    expect(await stack.forward.invoke({})).toMatchObject({ parked: 1 });

    expect(stack.bus.messages(DEAD_LETTERS)).toHaveLength(1);
    const everything = [...stack.bus.messages(DEAD_LETTERS), JSON.stringify(stack.bus.accepted), ...stack.log];
    expect(everything.join()).not.toContain(SECRET);
  });

  test('is in no object of the bucket, and a field that was not parsed is not there at all', async () => {
    const stack = await testStack(OMIT);
    await write(stack, jobs, value(999_900));
    await write(stack, jobs, value(2_000_000));

    expect(await stack.forward.invoke({})).toMatchObject({ published: 2 });

    const [read, unread] = arrived(stack);
    expect(read).toMatchObject({ claimCheck: { fields: ['returnvalue'] }, omitted });
    expect(unread).toMatchObject({ jobId: '0', omitted });
    expect(unread).not.toHaveProperty('claimCheck');
    expect(unread).not.toHaveProperty('returnvalue');
    const objects = [...stack.bus.objects(PAYLOADS).values()];
    expect(objects).toHaveLength(1);
    expect(objects.join() + JSON.stringify(stack.bus.accepted)).not.toContain(SECRET);
  });
});
