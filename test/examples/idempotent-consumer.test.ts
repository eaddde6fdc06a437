import { expect, test } from 'vitest';
import { createConsumer } from '../../examples/idempotent-consumer.ts';
import { BUS } from '../../local/stack.ts';
import { adminRedis } from '../redis.ts';
import { testStack } from '../stack.ts';
import { idempotencyTable } from './idempotency-table.ts';

const context = { getRemainingTimeInMillis: () => 30_000 } as Parameters<ReturnType<typeof createConsumer>>[1];

test('the idempotent consumer charges once for each job, although a killed run sends events again', async () => {
  const stack = await testStack({ BULLBRIDGE_SWEEP_SIZE: '10' });
  const pipeline = adminRedis().pipeline();
  pipeline.hset(`${stack.prefix}:payments:meta`, 'opts.maxLenEvents', 10_000);
  for (let n = 0; n < 30; n += 1)
    pipeline.xadd(`${stack.prefix}:payments:events`, '*', 'event', 'completed', 'jobId', `${n}`, 'returnvalue', '{}');
  await pipeline.exec();
  const charged: string[] = [];
  const consume = createConsumer({
    charge: async (queue, jobId) => {
      charged.push(`${queue} ${jobId}`);
    },
    idempotencyTable: await idempotencyTable(),
  });
  const delivered: Parameters<typeof consume>[0][] = [];
  stack.bus.subscribe({
    bus: BUS,
    pattern: { 'detail-type': ['Job Completed'] },
    deliver: (event) => delivered.push(event as unknown as (typeof delivered)[number]),
  });
  // The first run is killed after its first request was accepted, so that its events come again.
  stack.bus.faults.putEvents = () => {
    stack.forward.kill();
    return { kind: 'reset-after-accept' };
  };
  await expect(stack.forward.invoke()).rejects.toThrow();
  stack.bus.faults.putEvents = undefined;
  await stack.expireLease();
  await stack.forward.invoke();
  // One or two sweeps of ten come again.
  expect(delivered.length).toBeGreaterThan(30);
  expect(delivered.length).toBeLessThanOrEqual(50);

  for (const event of delivered) await consume(event, context);

  expect(charged.sort()).toEqual(Array.from({ length: 30 }, (_, n) => `payments ${n}`).sort());
});
