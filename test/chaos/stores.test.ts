import { describe, expect, test } from 'vitest';
import { startNative } from '../../local/redis.ts';
import { nativeServer } from '../needs.ts';
import { adminRedis } from '../redis.ts';
import { testWith } from '../test-with.ts';
import { accepted, BOUND, ENTRIES, expectAllSettled, outcome, SHORT_RUN, stackWithBacklog } from './backlog.ts';
import { cuttingProxy, faultyTable, type TableFault } from './proxies.ts';

describe('a run survives that Redis', () => {
  testWith('native server')('is restarted', async () => {
    await using redis = await startNative(nativeServer(), ['--save', '3600', '1']);
    const admin = adminRedis(redis.url);
    const stack = await stackWithBacklog({ REDIS_URL: redis.url }, admin);
    // So slow that the run cannot be done before the restart.
    stack.bus.faults.putEvents = () => ({ kind: 'late', milliseconds: 100 });
    const run = stack.forward.invoke();
    await accepted(stack, 100);
    await redis.restart();

    expect(await run).toMatchObject({ published: ENTRIES, lost: 0, caughtUp: true });
    await expectAllSettled(stack, 0);
  });

  test.each([1, 1000, 40_000, 77_777])('breaks the connection after %i bytes', async (bytes) => {
    const stack = await stackWithBacklog();
    const proxy = await cuttingProxy(stack.redisUrl);
    proxy.cutAfter(bytes);

    expect(await stack.start('forward', { REDIS_URL: proxy.url }).invoke()).toMatchObject({
      published: ENTRIES,
      lost: 0,
      caughtUp: true,
    });
    await expectAllSettled(stack, 0);
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

  test('no longer answers from call 1, 2, 4 or 6 on, until the run must end', async () => {
    const stacks = await Promise.all([1, 2, 4, 6].map(async (last) => ({ last, stack: await stackWithBacklog() })));
    const outcomes = stacks.map(async ({ last, stack }) => {
      const table = await faultyTable(stack.tableUrl, (call) => (call >= last ? failed : undefined));
      return outcome(stack.start('forward', { AWS_ENDPOINT_URL_DYNAMODB: table.url }, SHORT_RUN).invoke());
    });

    expect(await Promise.all(outcomes)).toEqual(stacks.map(() => 'CheckpointError'));
    for (const { stack } of stacks) await expectAllSettled(stack, BOUND);
  });
});
