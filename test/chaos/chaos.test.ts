import type { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import type { Fault, FaultPlan } from '../../local/bus/faults.ts';
import { FunctionError } from '../../local/lambda/function.ts';
import { findServer, startNative } from '../../local/redis.ts';
import { DEAD_LETTERS } from '../../local/stack.ts';
import { adminRedis } from '../redis.ts';
import { type TestStack, testStack } from '../stack.ts';
import { cuttingProxy, faultyTable, type TableFault } from './proxies.ts';

const ENTRIES = 3000;
const SWEEP_SIZE = 100;
/** Duplicates that one interrupted run may cost, as the README says. */
const BOUND = 2 * SWEEP_SIZE;
const SETTINGS = { BULLBRIDGE_EVENTS: '*', BULLBRIDGE_SWEEP_SIZE: `${SWEEP_SIZE}`, BULLBRIDGE_QUEUES: 'q' };

async function stackWithBacklog(environment: Readonly<Record<string, string>> = {}, admin: Redis = adminRedis()) {
  const stack = await testStack({ ...SETTINGS, ...environment });
  for (let n = 0; n < ENTRIES; n += 1000) {
    const pipeline = admin.pipeline();
    for (let i = n; i < n + 1000; i += 1)
      pipeline.xadd(`${stack.prefix}:q:events`, '*', 'event', 'completed', 'jobId', i, 'returnvalue', i);
    await pipeline.exec();
  }
  return stack;
}

/** Resolves once so many more entries have been accepted. */
const accepted = ({ bus }: TestStack, more: number) => {
  const before = bus.counts.entries;
  return expect.poll(() => bus.counts.entries, { interval: 1, timeout: 20_000 }).toBeGreaterThanOrEqual(before + more);
};

/** What an invocation came to: its result, or the name of its error. */
const outcome = (invocation: Promise<unknown>) =>
  invocation.catch((error: unknown) => (error instanceof FunctionError ? error.name : Promise.reject(error)));

/** Whatever happened: the next run ends it, nothing is missing, and no more came twice than may. */
async function expectAllSettled(stack: TestStack, allowedDuplicates: number): Promise<void> {
  stack.bus.faults.putEvents = undefined;
  stack.bus.faults.sendMessage = undefined;
  await stack.expireLease();
  expect(await stack.forward.invoke()).toMatchObject({ lost: 0, caughtUp: true });

  const published = stack.bus.accepted.map(({ detail }) => detail['returnvalue'] as number);
  const parked = stack.bus
    .messages(DEAD_LETTERS)
    .map((body) => JSON.parse(JSON.parse(body).entry.Detail).returnvalue as number);
  const settled = new Set([...published, ...parked]);
  expect(settled.size).toBe(ENTRIES);
  expect(published.length + parked.length - settled.size).toBeLessThanOrEqual(allowedDuplicates);
  expect(await stack.forward.invoke()).toMatchObject({ published: 0, lost: 0, caughtUp: true });
}

describe('a run survives that it', () => {
  test('is stopped for longer than its lease, and goes on beside the one that took over', async () => {
    const stack = await stackWithBacklog();
    const zombie = outcome(stack.forward.invoke());
    await accepted(stack, 500);
    stack.forward.kill('SIGSTOP');
    await stack.expireLease();
    expect(await stack.start('forward').invoke()).toMatchObject({ caughtUp: true });
    stack.forward.kill('SIGCONT');

    expect(await zombie).toMatchObject({ caughtUp: false });
    await expectAllSettled(stack, 2 * BOUND);
  });

  test('is one of two at once', async () => {
    const stack = await stackWithBacklog();
    const first = outcome(stack.forward.invoke());
    await accepted(stack, 300);
    await stack.expireLease();
    const second = outcome(stack.start('forward').invoke());

    expect([await first, await second]).toContainEqual(expect.objectContaining({ caughtUp: true }));
    await expectAllSettled(stack, 2 * BOUND);
  });

  test.each([0, 1, 2, 3, 4])('is killed (%i)', async (turn) => {
    const stack = await stackWithBacklog();
    const killed = outcome(stack.forward.invoke());
    await accepted(stack, 100 + 137 * turn);
    stack.forward.kill();

    expect(await killed).toBe('Runtime.ExitError');
    await expectAllSettled(stack, BOUND);
  });
});

describe('a run survives that Redis', () => {
  test('is restarted', async ({ skip }) => {
    const native = findServer();
    if (!native) return skip('needs redis-server or valkey-server 7 or later, with persistence');
    await using redis = await startNative(native, ['--save', '3600 1']);
    const admin = adminRedis(redis.url);
    const stack = await stackWithBacklog({ REDIS_URL: redis.url }, admin);
    // So slow that the run cannot be done before the restart.
    stack.bus.faults.putEvents = () => ({ kind: 'late', milliseconds: 100 });
    const broken = outcome(stack.forward.invoke());
    await accepted(stack, 100);
    await redis.restart();

    expect(await broken).toBe('RedisError');
    await expectAllSettled(stack, BOUND);
  });

  test.each([1, 1000, 40_000, 77_777])('breaks the connection after %i bytes', async (bytes) => {
    const stack = await stackWithBacklog();
    const proxy = await cuttingProxy(stack.redisUrl);
    proxy.cutAfter(bytes);

    expect(await outcome(stack.start('forward', { REDIS_URL: proxy.url }).invoke())).toBe('RedisError');
    await expectAllSettled(stack, BOUND);
  });
});

describe('a run survives that DynamoDB', () => {
  const throttled: TableFault = { kind: 'error', status: 400, code: 'ProvisionedThroughputExceededException' };
  const failed: TableFault = { kind: 'error', status: 500, code: 'InternalServerError' };
  const lostAnswer: TableFault = { kind: 'reset-after-accept' };

  test.each([
    ['throttles every third call', (call: number) => (call % 3 === 0 ? throttled : undefined)],
    ['fails every third call', (call: number) => (call % 3 === 0 ? failed : undefined)],
    ['loses the answer to every third call', (call: number) => (call % 3 === 0 ? lostAnswer : undefined)],
  ])('%s', async (_, plan) => {
    const stack = await stackWithBacklog();
    const table = await faultyTable(stack.tableUrl, plan);

    expect(await stack.start('forward', { AWS_ENDPOINT_URL_DYNAMODB: table.url }).invoke()).toMatchObject({
      published: ENTRIES,
      caughtUp: true,
    });
    await expectAllSettled(stack, 0);
  });

  test.each([1, 2, 5, 12])('answers nothing any more from call %i on', async (last) => {
    const stack = await stackWithBacklog();
    const table = await faultyTable(stack.tableUrl, (call) => (call >= last ? failed : undefined));

    expect(await outcome(stack.start('forward', { AWS_ENDPOINT_URL_DYNAMODB: table.url }).invoke())).toBe(
      'CheckpointError',
    );
    await expectAllSettled(stack, BOUND);
  });
});

type Plan = FaultPlan<{ readonly entries: readonly unknown[] }, Fault>;

describe('a run survives that the bus', () => {
  const each =
    (nth: number, fault: Fault): Plan =>
    ({ number }) =>
      number % nth === 0 ? fault : undefined;

  test.each<[string, number, Plan]>([
    [
      'answers 413',
      0,
      ({ entries }) => (entries.length > 3 ? { kind: 'error', status: 413, code: 'TooLarge' } : undefined),
    ],
    ['fails with 500', 0, each(5, { kind: 'error', status: 500, code: 'InternalException' })],
    ['throttles', 0, each(3, { kind: 'error', status: 400, code: 'ThrottlingException' })],
    ['fails some entries', 0, each(2, { kind: 'entries', codes: { 3: 'InternalFailure', 7: 'ThrottlingException' } })],
    ['breaks the connection', 0, each(7, { kind: 'reset' })],
    ['breaks the connection after it accepted', 10 * 60, each(7, { kind: 'reset-after-accept' })],
    ['answers too short', 400, each(2, { kind: 'short' })],
    ['answers something else', 0, each(9, { kind: 'garbage' })],
    ['hangs', 0, each(150, { kind: 'hang' })],
  ])('%s', async (_, allowedDuplicates, plan) => {
    const stack = await stackWithBacklog();
    stack.bus.faults.putEvents = plan;

    expect(await stack.forward.invoke()).toMatchObject({ published: ENTRIES, parked: 0, lost: 0, caughtUp: true });
    await expectAllSettled(stack, allowedDuplicates);
  });

  test.each<[string, Fault]>([
    ['denies everything', { kind: 'error', status: 400, code: 'AccessDeniedException' }],
    ['is down', { kind: 'error', status: 503, code: 'ServiceUnavailable' }],
    ['is unreachable', { kind: 'reset' }],
  ])('%s from some request on', async (_, fault) => {
    const stack = await stackWithBacklog();
    stack.bus.faults.putEvents = ({ number }) => (number > 100 ? fault : undefined);

    expect(await outcome(stack.forward.invoke())).toBe('BusError');
    await expectAllSettled(stack, BOUND);
  });

  test('refuses entries while SQS is down', async () => {
    const stack = await stackWithBacklog();
    stack.bus.faults.putEvents = each(4, { kind: 'entries', codes: { 5: 'MalformedDetail' } });
    stack.bus.faults.sendMessage = ({ number }) =>
      number > 6 ? { kind: 'error', status: 503, code: 'ServiceUnavailable' } : undefined;

    expect(await outcome(stack.forward.invoke())).toBe('ParkingError');
    expect(stack.bus.messages(DEAD_LETTERS)).toHaveLength(6);
    await expectAllSettled(stack, BOUND);
  });
});
