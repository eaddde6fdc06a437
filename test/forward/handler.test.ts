import { describe, expect, inject, test } from 'vitest';
import { DEAD_LETTERS } from '../../local/stack.ts';
import { metricsOf } from '../embedded-metrics.ts';
import { adminRedis } from '../redis.ts';
import { rejection } from '../rejection.ts';
import { type TestStack, testStack } from '../stack.ts';
import { testWith } from '../test-with.ts';
import { hangingRun } from './hanging-run.ts';

const testCounting = testWith('counting server');

async function write({ prefix }: TestStack, queue: string, count: number, ...fields: string[]): Promise<void> {
  const pipeline = adminRedis().pipeline();
  const entry = fields.length > 0 ? fields : ['event', 'completed', 'jobId', '1', 'returnvalue', '{}'];
  pipeline.hset(`${prefix}:${queue}:meta`, 'opts.maxLenEvents', 10_000);
  for (let n = 0; n < count; n += 1) pipeline.xadd(`${prefix}:${queue}:events`, '*', ...entry);
  await pipeline.exec();
}

describe('an invocation', () => {
  test('forwards every queue under the prefix, and returns its counts', async () => {
    const stack = await testStack();
    await write(stack, 'emails', 3);
    await write(stack, 'payments', 2, 'event', 'active', 'jobId', '1');

    expect(await stack.forward.invoke({})).toEqual({
      published: 3,
      filtered: 2,
      parked: 0,
      lost: 0,
      queues: 2,
      caughtUp: true,
    });
    expect(stack.bus.accepted.map(({ detail }) => detail['queue'])).toEqual(['emails', 'emails', 'emails']);
  });

  test('publishes its metrics', async () => {
    const stack = await testStack();
    await write(stack, 'emails', 3);
    await stack.forward.invoke({});

    const [metrics] = metricsOf(stack.log);
    expect(metrics).toMatchObject({
      service: 'bullbridge',
      source: `default/${stack.prefix}`,
      Published: 3,
      Filtered: 0,
      Parked: 0,
      Lost: 0,
      Incidents: 0,
      Backlog: 0,
      RetentionUsed: 0,
    });
    expect(metrics?.['Lag']).toBeGreaterThanOrEqual(0);
    expect(metrics?.['SweepDuration']).toBeDefined();
    expect(metricsOf(stack.log)).toHaveLength(1);
  });

  test('publishes metrics of each queue if configured', async () => {
    const stack = await testStack({ BULLBRIDGE_QUEUE_METRICS: 'true' });
    await write(stack, 'emails', 3);
    await stack.forward.invoke({});
    await write(stack, 'emails', 100);
    await stack.forward.invoke({});

    const of = { source: `default/${stack.prefix}`, queue: 'emails' };
    expect(metricsOf(stack.log)).toContainEqual(expect.objectContaining({ ...of, Published: 3 }));
    expect(metricsOf(stack.log)).toContainEqual(expect.objectContaining({ ...of, RetentionUsed: 1 }));
    expect(stack.log.join()).toContain('"fullest":["emails",1]');
  });

  test('of each of two shards forwards its own queues', async () => {
    const stack = await testStack();
    for (let n = 0; n < 20; n += 1) await write(stack, `q${n}`, 1);

    const results = [
      await stack.forward.invoke({ shard: { index: 0, count: 2 } }),
      await stack.forward.invoke({ shard: { index: 1, count: 2 } }),
    ];

    expect(results.map(({ queues }) => queues).reduce((a, b) => a + b)).toBe(20);
    expect(Math.min(...results.map(({ queues }) => queues))).toBeGreaterThan(0);
    expect(await stack.forward.invoke({})).toMatchObject({ queues: 20, published: 0 });
  });

  test('does nothing and does not fail while another run has the lease', async () => {
    const stack = await testStack();
    await write(stack, 'emails', 3);
    const first = await hangingRun(stack);

    // It waits until it has to end.
    const second = await stack.start('forward', {}, { timeout: 3 }).invoke({});

    expect(second).toEqual({
      published: 0,
      filtered: 0,
      parked: 0,
      lost: 0,
      queues: 0,
      caughtUp: false,
      leaseHeld: true,
    });
    stack.forward.kill();
    await first.ended;
  });

  testCounting('begins at the oldest entry, or behind the newest, and continues from there', async () => {
    const stack = await testStack({ BULLBRIDGE_START_FROM: 'now' });
    await write(stack, 'emails', 3);
    expect(await stack.forward.invoke({})).toMatchObject({ published: 0, caughtUp: true });
    await write(stack, 'emails', 2);

    expect(await stack.forward.invoke({})).toMatchObject({ published: 2, lost: 0 });
    expect(stack.bus.accepted.map(({ detail }) => detail['sequence'])).toEqual([4, 5]);
  });

  testCounting('publishes a loss before it continues behind it', async () => {
    const stack = await testStack();
    await write(stack, 'emails', 5);
    await stack.forward.invoke({});
    await write(stack, 'emails', 20);
    await adminRedis().xtrim(`${stack.prefix}:emails:events`, 'MAXLEN', 8);

    expect(await stack.forward.invoke({})).toMatchObject({ published: 8, lost: 12, caughtUp: true });
    const news = stack.bus.accepted.filter(({ Source }) => Source === 'bullbridge');
    expect(news).toMatchObject([
      { DetailType: 'Events Lost', detail: { queue: 'emails', lost: 12, exact: true, reason: 'trimmed' } },
    ]);
    expect(stack.bus.accepted.indexOf(news[0] as (typeof news)[0])).toBe(5);
    expect(metricsOf(stack.log).at(-1)).toMatchObject({ Published: 8, Lost: 12, Incidents: 1 });
  });

  testCounting('parks entries that the bus refuses, and continues', async () => {
    const stack = await testStack();
    await write(stack, 'emails', 3);
    stack.bus.faults.putEvents = () => ({ kind: 'entries', codes: { 1: 'MalformedDetail' } });

    expect(await stack.forward.invoke({})).toMatchObject({ published: 2, parked: 1, caughtUp: true });
    const [parked] = stack.bus.messages(DEAD_LETTERS).map((body) => JSON.parse(body));
    expect(JSON.parse(parked.entry.Detail)).toMatchObject({
      queue: 'emails',
      sequence: 2,
      streamId: expect.any(String),
    });
  });

  test('warns of an event name that is likely misspelt', async () => {
    const stack = await testStack({ BULLBRIDGE_EVENTS: 'complete' });
    await stack.forward.invoke({});

    expect(stack.log.join()).toContain('did you mean \\"completed\\"?');
  });
});

describe('a fault that an operator must fix fails the run and moves no position:', () => {
  const goesOn = async (stack: TestStack) =>
    expect(await stack.forward.invoke({})).toMatchObject({ published: 3, lost: 0, caughtUp: true });

  test('a faulty configuration, with all faults and no secret', async () => {
    const stack = await testStack();
    const broken = stack.start('forward', {
      REDIS_URL: 'http://:hunter2@x',
      BULLBRIDGE_SWEEPSIZE: '5',
      EVENT_BUS_NAME: '',
    });

    const error = await rejection(broken.invoke({}));

    expect(error.name).toBe('ConfigError');
    expect(error.message).toMatchInlineSnapshot(`
      "3 faults in the configuration:
      - REDIS_URL is not valid (its value is not repeated here): it must begin with redis:// or rediss://
      - EVENT_BUS_NAME is not set; it must be the name or ARN of an event bus
      - BULLBRIDGE_SWEEPSIZE is not known; the nearest name is BULLBRIDGE_SWEEP_SIZE"
    `);
    expect(stack.log.join('\n')).not.toContain('hunter2');
  });

  test.each([
    { shard: { index: 2, count: 2 } },
    { shard: { index: -1, count: 2 } },
    { shard: { index: 0.5, count: 2 } },
    { shard: 'all' },
  ])('the payload %j', async (payload) => {
    const stack = await testStack();

    expect(await rejection(stack.forward.invoke(payload))).toMatchObject({
      name: 'ConfigError',
      message: expect.stringContaining('the payload is {"shard":'),
    });
  });

  test('a Redis that cannot be reached', async () => {
    const stack = await testStack();
    const lost = stack.start('forward', { REDIS_URL: 'redis://:hunter2@127.0.0.1:1' }, { timeout: 5 });

    expect(await rejection(lost.invoke({}))).toMatchObject({
      name: 'RedisError',
      message: expect.stringContaining('127.0.0.1:1 as user "default": nothing listens there'),
    });
    expect(stack.log.join('\n')).not.toContain('hunter2');
    await write(stack, 'emails', 3);
    await goesOn(stack);
  });

  test('a wrong password', async () => {
    const stack = await testStack();
    const { host } = new URL(inject('redisUrl'));
    const denied = stack.start('forward', { REDIS_URL: `redis://nobody:hunter2@${host}` });

    expect(await rejection(denied.invoke({}))).toMatchObject({
      name: 'RedisError',
      message: expect.stringContaining('user or password is wrong'),
    });
    expect(stack.log.join('\n')).not.toContain('hunter2');
  });

  test('a bus that does not exist, although PutEvents would accept it', async () => {
    const stack = await testStack();
    await write(stack, 'emails', 3);

    expect(await rejection(stack.start('forward', { EVENT_BUS_NAME: 'no-such-bus' }).invoke({}))).toMatchObject({
      name: 'BusError',
      message: expect.stringContaining('"no-such-bus"'),
    });
    await goesOn(stack);
  });

  test('a table that does not exist', async () => {
    const stack = await testStack();

    expect(await rejection(stack.start('forward', { CHECKPOINT_TABLE: 'no-such-table' }).invoke({}))).toMatchObject({
      name: 'CheckpointError',
      message: expect.stringContaining('"no-such-table"'),
    });
  });

  test('a bus that denies the publisher', async () => {
    const stack = await testStack();
    await write(stack, 'emails', 3);
    stack.bus.faults.putEvents = () => ({ kind: 'entries', codes: { 2: 'AccessDeniedException' } });

    expect(await rejection(stack.forward.invoke({}))).toMatchObject({
      name: 'BusError',
      message: expect.stringContaining('AccessDeniedException'),
    });
    stack.bus.faults.putEvents = undefined;
    await goesOn(stack);
    expect(stack.bus.messages(DEAD_LETTERS)).toEqual([]);
  });

  test('one queue whose key is not a stream, while the others are forwarded', async () => {
    const stack = await testStack({ BULLBRIDGE_QUEUES: 'emails,odd' });
    await write(stack, 'emails', 3);
    await adminRedis().set(`${stack.prefix}:odd:events`, 'text');

    expect(await rejection(stack.forward.invoke({}))).toMatchObject({
      name: 'RedisError',
      message: expect.stringContaining(':odd:events'),
    });
    expect(stack.bus.accepted).toHaveLength(3);
    await adminRedis().del(`${stack.prefix}:odd:events`);
    expect(await stack.forward.invoke({})).toMatchObject({ published: 0, caughtUp: true });
  });
});

describe('the URL of Redis in a secret', () => {
  const reads = async (secret: string) => {
    const stack = await testStack({ REDIS_URL: '', REDIS_URL_SECRET_ARN: 'redis-url' }, { 'redis-url': secret });
    await write(stack, 'emails', 2);
    return stack.forward.invoke({});
  };

  test('may be plain text, or JSON with the key url', async () => {
    expect(await reads(`${inject('redisUrl')}\n`)).toMatchObject({ published: 2 });
    expect(await reads(JSON.stringify({ url: inject('redisUrl'), other: 1 }))).toMatchObject({ published: 2 });
  });

  test.each(['{"uri":"hunter2"}', '{"url":7}', '{hunter2'])('is not guessed from %s', async (secret) => {
    const error = await rejection(reads(secret));

    expect(error.message).toContain(
      'the secret redis-url (REDIS_URL_SECRET_ARN) is JSON without a text under the key "url"',
    );
    expect(error.message).not.toContain('hunter2');
  });

  test('that does not exist is named', async () => {
    const stack = await testStack({ REDIS_URL: '', REDIS_URL_SECRET_ARN: 'none' });

    expect((await rejection(stack.forward.invoke({}))).message).toContain(
      'the secret none (REDIS_URL_SECRET_ARN) could not be read: ResourceNotFoundException',
    );
  });
});
