import { type Schema, Validator } from '@cfworker/json-schema';
import { beforeEach, describe, expect, test } from 'vitest';
import { pattern, QueueEvents, type QueueEventsOptions } from '../../consumer/index.ts';
import { jsonSchemas } from '../../consumer/json-schemas.ts';
import { aBatch } from '../../consumer/testing/events.ts';
import { anyEventSchema } from '../../consumer/zod.ts';
import type { BusEvent } from '../../local/bus/event-buses.ts';
import { BUS } from '../../local/stack.ts';
import { adminRedis } from '../redis.ts';
import { testStack } from '../stack.ts';
import { inStreamOrder } from '../stream-order.ts';
import { byJob, type Call, NAMES, QUEUE, runJobs, VERSIONS } from './bullmq-calls.ts';
import { shuffled } from './shuffled.ts';

/** A `QueueEvents` of ours that notes the calls of its listeners. */
function listen(calls: Call[], options: QueueEventsOptions = {}, before = async (_: Call) => {}) {
  const events = new QueueEvents(QUEUE, options);
  for (const name of NAMES) {
    events.on(name as 'completed', async (...parameters: unknown[]) => {
      await before({ name, parameters });
      calls.push({ name, parameters });
    });
  }
  return events;
}

const inBatches = <T>(items: readonly T[], size: number) =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, n) => items.slice(n * size, (n + 1) * size));

describe.each(VERSIONS)('the events of BullMQ %s', (_, bullmq) => {
  let expected: Call[];
  let arrived: BusEvent[];

  beforeEach(async () => {
    const stack = await testStack({ BULLBRIDGE_EVENTS: '*' });
    arrived = [];
    stack.bus.subscribe({ bus: BUS, pattern: pattern({ queue: QUEUE }), deliver: (event) => arrived.push(event) });
    expected = await runJobs(bullmq, stack.prefix);
    await stack.forward.invoke();
    expect(arrived).toHaveLength(await adminRedis().xlen(`${stack.prefix}:${QUEUE}:events`));
  });

  test('reach listeners as the same calls, in order for each job, whatever the order within a batch', async () => {
    const inOrder = inStreamOrder(arrived);
    const calls: Call[] = [];
    const events = listen(calls);

    for (const batch of inBatches(inOrder, 10)) {
      const twice = [...batch, ...batch.slice(0, 2)];
      expect(await events.handler(aBatch(...shuffled(twice)))).toEqual({ batchItemFailures: [] });
    }

    expect(new Set(expected.map(({ name }) => name)).size).toBeGreaterThan(13);
    expect(byJob(calls)).toEqual(byJob(expected));
  });

  test('reach listeners in the order of the queue, if configured', async () => {
    const calls: Call[] = [];

    await listen(calls, { order: 'queue' }).handler(aBatch(...shuffled(arrived)));

    expect(calls).toEqual(expected);
  });

  test('all reach listeners, although messages come twice and one call in five fails', async () => {
    const calls: Call[] = [];
    let attempts = 0;
    const events = listen(calls, {}, async () => {
      attempts += 1;
      if (attempts % 5 === 0) throw new Error('planned');
    }).on('error', (error) => expect(error.message).toContain('planned'));

    let queue = shuffled([...arrived, ...arrived.slice(0, 20)]);
    while (queue.length > 0) {
      const batch = queue.slice(0, 10);
      const { batchItemFailures } = await events.handler(aBatch(...batch));
      const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
      queue = shuffled([...queue.slice(10), ...batch.filter((_, i) => failed.has(`message-${i + 1}`))]);
    }

    const distinct = (all: readonly Call[]) => new Set(all.map((call) => JSON.stringify(call)));
    expect(distinct(calls)).toEqual(distinct(expected));
    expect(attempts).toBeGreaterThan(calls.length);
  });

  test('are valid by the schemas, which have all of their fields', () => {
    const validators = new Map(
      Object.entries(jsonSchemas()).map(([name, schema]) => [name, new Validator(schema as Schema, '4')]),
    );
    for (const event of arrived) {
      expect(anyEventSchema.parse(event)).toEqual(event);
      if (event.detail['event'] === 'invoice') continue;
      const validator = validators.get(`bullmq@${event['detail-type'].replaceAll(' ', '')}`);
      expect(validator?.validate(event)).toMatchObject({ valid: true });
    }
  });
});
