import { expect, test } from 'vitest';
import type { MetricName } from '../../functions/metrics.ts';
import { metricsOf } from '../embedded-metrics.ts';
import { adminRedis } from '../redis.ts';
import { type TestStack, testStack } from '../stack.ts';
import { hangingRun } from './hanging-run.ts';

const completed = ['event', 'completed', 'jobId', '1', 'returnvalue', '{}'];

async function write({ prefix }: TestStack, queue: string, id = '*'): Promise<void> {
  const key = `${prefix}:${queue}`;
  await adminRedis()
    .pipeline()
    .hset(`${key}:meta`, 'opts.maxLenEvents', 10_000)
    .xadd(`${key}:events`, id, ...completed)
    .exec();
}

/** What the last line of metrics has. */
function lastOf(log: readonly string[]): Partial<Record<MetricName, number>> {
  return metricsOf(log).at(-1) ?? {};
}

test.each(['late,fresh', 'fresh,late'])(
  'a late queue is noticed next to a queue that is up to date: %s',
  async (queues) => {
    const stack = await testStack({ BULLBRIDGE_QUEUES: queues });
    await write(stack, 'late', `${Date.now() - 3_600_000}-0`);
    await write(stack, 'fresh');

    await stack.forward.invoke({});

    const { Lag = Number.NaN, OldestAge } = lastOf(stack.log);
    expect(OldestAge).toBeGreaterThanOrEqual(3_600_000);
    expect(Lag).toBeLessThan(3_600_000);
  },
);

test('a run that publishes nothing has no age, and reports the number of its queues', async () => {
  const stack = await testStack({ BULLBRIDGE_EVENTS: 'failed' });
  await write(stack, 'emails');
  await write(stack, 'payments');

  await stack.forward.invoke({});

  expect(lastOf(stack.log)).toMatchObject({ Queues: 2, Missing: 0, Held: 0 });
  expect(lastOf(stack.log)).not.toHaveProperty('OldestAge');
});

test('missing queues are counted', async () => {
  const stack = await testStack({ BULLBRIDGE_QUEUES: 'emails,payment,mails' });
  await write(stack, 'emails');

  await stack.forward.invoke({});
  expect(lastOf(stack.log)).toMatchObject({ Queues: 3, Missing: 2 });

  await write(stack, 'payment');
  await stack.forward.invoke({});
  expect(lastOf(stack.log)).toMatchObject({ Queues: 3, Missing: 1 });
});

test('runs in a row that do nothing because another run has the lease are counted', async () => {
  const stack = await testStack();
  await write(stack, 'emails');
  const first = await hangingRun(stack);

  const other = stack.start('forward', {}, { timeout: 3 });
  await other.invoke({});
  expect(lastOf(stack.log)).toMatchObject({ Held: 1 });
  await other.invoke({});
  expect(lastOf(stack.log)).toMatchObject({ Held: 2 });
  expect(lastOf(stack.log)).not.toHaveProperty('Queues');

  stack.forward.kill();
  await first.ended;
  await stack.expireLease();
  stack.bus.faults.putEvents = undefined;
  await other.invoke({});
  expect(lastOf(stack.log)).toMatchObject({ Held: 0, Published: 1 });
});

test('queues with any name have their own metrics', async () => {
  const stack = await testStack({ BULLBRIDGE_QUEUE_METRICS: 'true' });
  const names = ['日本', '中国', 'a\tb', 'a\nb', 'a%09b', ' '];
  for (const name of names) await write(stack, name);

  await stack.forward.invoke({});

  const queues = metricsOf(stack.log).flatMap(({ queue }) => queue ?? []);
  expect(new Set(queues)).toEqual(
    new Set(['%E6%97%A5%E6%9C%AC', '%E4%B8%AD%E5%9B%BD', 'a%09b', 'a%0Ab', 'a%2509b', '%20']),
  );
});
