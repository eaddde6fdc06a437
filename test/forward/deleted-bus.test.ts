import { describe, expect, test } from 'vitest';
import { createPublisher } from '../../functions/bus/publish.ts';
import { forward } from '../../functions/forward/run.ts';
import { BUS } from '../../local/stack.ts';
import { adminRedis } from '../redis.ts';
import { rejection } from '../rejection.ts';
import { testStack } from '../stack.ts';
import { createWorld } from './world.ts';

/** A stack whose functions are warm, and whose bus was deleted since. */
async function worldWithoutBus(environment: Readonly<Record<string, string>> = {}) {
  const stack = await testStack(environment);
  const add = (jobId: number) =>
    adminRedis().xadd(`${stack.prefix}:q:events`, '*', 'event', 'completed', 'jobId', jobId, 'returnvalue', '1');
  const jobIds = () => stack.bus.accepted.map(({ detail }) => detail['jobId']);
  await add(1);
  expect(await stack.forward.invoke({})).toMatchObject({ published: 1 });
  await stack.reconcile.invoke({});
  await stack.redrive.invoke({});
  stack.bus.buses.delete(BUS);
  return { stack, add, jobIds };
}

describe('a bus that was deleted while containers are warm', () => {
  test('makes runs fail, and its events are published once it is back', async () => {
    const { stack, add, jobIds } = await worldWithoutBus();
    await add(2);

    for (let run = 0; run < 3; run += 1)
      expect(await rejection(stack.forward.invoke({}))).toMatchObject({ name: 'BusError', message: missing });

    stack.bus.buses.add(BUS);
    await add(3);
    expect(await stack.forward.invoke({})).toMatchObject({ published: 2, lost: 0 });
    expect(jobIds()).toEqual(['1', '2', '3']);
  });

  test('is noticed even without events to publish', async () => {
    const { stack } = await worldWithoutBus();

    expect(await rejection(stack.forward.invoke({}))).toMatchObject({ name: 'BusError', message: missing });
  });

  test.each(['reconcile', 'redrive'] as const)('stops %s', async (name) => {
    const { stack } = await worldWithoutBus();

    expect(await rejection(stack[name].invoke({}))).toMatchObject({ name: 'BusError', message: missing });
  });

  test('is only a warning if the role may not check', async () => {
    const { stack } = await worldWithoutBus();
    stack.bus.buses.add(BUS);
    stack.bus.faults.describeEventBus = () => ({ kind: 'error', status: 400, code: 'AccessDeniedException' });

    expect(await stack.forward.invoke({})).toMatchObject({ caughtUp: true });
    expect(stack.log.join('\n')).toContain('grant events:DescribeEventBus');
  });

  test('is noticed before a position is saved, also in the middle of a run', async () => {
    let asked = 0;
    const confirm = async () => {
      asked += 1;
      if (asked === 2) throw new Error('deleted meanwhile');
    };
    const withBus: typeof forward = (settings, shard, clients, ...rest) =>
      forward(settings, shard, { ...clients, bus: { confirm } }, ...rest);
    const world = await createWorld({}, { forward: withBus, createPublisher });
    await world.admin.xadd(world.key('q'), '1-0', 'event', 'completed', 'jobId', 1);

    await expect(world.run()).rejects.toThrow('deleted meanwhile');
    await world.run();

    expect(world.bus.accepted.map(({ detail }) => detail['streamId'])).toEqual(['1-0', '1-0']);
  });
});

const missing = expect.stringContaining(`no event bus ("${BUS}")`);
