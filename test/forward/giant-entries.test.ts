import { describe, expect } from 'vitest';
import { startNative } from '../../local/redis.ts';
import { PAYLOADS } from '../../local/stack.ts';
import { nativeServer } from '../needs.ts';
import { adminRedis } from '../redis.ts';
import { testStack } from '../stack.ts';
import { inStreamOrder } from '../stream-order.ts';
import { testWith } from '../test-with.ts';

const MB = 1_000_000;
const MEMORY = 256 * 1024 * 1024;

/** A stack with a server of its own, which is gone with the entries. */
async function world(environment: Readonly<Record<string, string>> = {}) {
  const redis = await startNative(nativeServer(), []);
  const stack = await testStack({ REDIS_URL: redis.url, BULLBRIDGE_EVENTS: '*', ...environment });
  const admin = adminRedis(redis.url);
  await admin.hset(`${stack.prefix}:q:meta`, 'opts.maxLenEvents', 10_000);
  const add = (event: string, ...fields: (string | number)[]) =>
    admin.xadd(`${stack.prefix}:q:events`, '*', 'event', event, 'jobId', 1, ...fields);
  const arrived = () => inStreamOrder(stack.bus.accepted).map(({ detail }) => detail);
  return { redis, stack, admin, add, arrived, [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose]() };
}

describe('entries that are larger than the memory of the function', () => {
  testWith('native server')('are forwarded without their long values, between their neighbours', async () => {
    await using each = await world();
    const { stack, add, arrived } = each;
    await add('completed', 'returnvalue', '"before"');
    await add('completed', 'returnvalue', `"${'x'.repeat(96 * MB)}"`, 'prev', 'active');
    await add('invoice', ...Array.from({ length: 40 }, (_, n) => [`f${n}`, 'y'.repeat(1.5 * MB)]).flat(), 'number', 42);
    await add('failed', 'failedReason', 'z'.repeat(48 * MB));
    await add('completed', 'returnvalue', '"after"');

    expect(await stack.forward.invoke({})).toMatchObject({ published: 5, parked: 0, lost: 0, caughtUp: true });

    const [before, value, custom, reason, after] = arrived();
    expect([before?.['returnvalue'], after?.['returnvalue']]).toEqual(['before', 'after']);
    expect(value).toMatchObject({ prev: 'active', truncated: [{ field: 'returnvalue', bytes: 96 * MB + 2 }] });
    expect(custom).toMatchObject({ fields: { number: '42' } });
    expect(custom?.['truncated']).toEqual(
      Array.from({ length: 40 }, (_, n) => ({ field: `fields.f${n}`, bytes: 1.5 * MB })),
    );
    expect(reason?.['failedReason']).toMatch(/^z+$/);
    expect(reason).toMatchObject({ truncated: [{ field: 'failedReason', bytes: 48 * MB }] });
    expect(stack.forward.usage.maxMemory).toBeLessThan(MEMORY);
  });

  testWith('native server')('can be the position of a queue, at no cost while it is idle', async () => {
    await using each = await world();
    const { stack, admin, add } = each;
    await add('completed', 'returnvalue', `"${'x'.repeat(96 * MB)}"`);
    expect(await stack.forward.invoke({})).toMatchObject({ published: 1 });
    const sent = async () => Number(/total_net_output_bytes:(\d+)/.exec(await admin.info('stats'))?.[1]);
    const before = await sent();

    expect(await stack.forward.invoke({})).toMatchObject({ published: 0, lost: 0, caughtUp: true });
    expect((await sent()) - before).toBeLessThan(MB);

    await add('completed', 'returnvalue', '"after"');
    expect(await stack.forward.invoke({})).toMatchObject({ published: 1, lost: 0 });
    expect(await stack.start('forward').invoke({})).toMatchObject({ published: 0, lost: 0, caughtUp: true });
    expect(stack.forward.usage.maxMemory).toBeLessThan(MEMORY);
  });

  testWith('native server')('are recovered without their long values', async () => {
    await using each = await world();
    const { stack, admin, arrived } = each;
    const key = `${stack.prefix}:q`;
    await admin.hset(`${key}:1`, { name: 'x', timestamp: 1, finishedOn: 5, returnvalue: `"${'x'.repeat(96 * MB)}"` });
    await admin.hset(`${key}:2`, { name: 'x', timestamp: 1, finishedOn: 6, returnvalue: '"after"' });
    await admin.zadd(`${key}:completed`, 5, '1', 6, '2');

    expect(await stack.reconcile.invoke({ queue: 'q', since: 1, until: 10 })).toMatchObject({ completed: 2 });

    expect(arrived().map(({ truncated }) => truncated)).toContainEqual([{ field: 'returnvalue', bytes: 96 * MB + 2 }]);
    expect(stack.reconcile.usage.maxMemory).toBeLessThan(MEMORY);
  });

  testWith('native server')('are stored in the bucket if they fit into memory', async () => {
    await using each = await world();
    const { stack, add, arrived } = each;
    const value = JSON.stringify('x'.repeat(10 * MB));
    for (let n = 0; n < 5; n += 1) await add('completed', 'returnvalue', value);

    expect(await stack.forward.invoke({})).toMatchObject({ published: 5, lost: 0, caughtUp: true });

    expect(arrived().every((detail) => 'claimCheck' in detail && !('truncated' in detail))).toBe(true);
    expect([...stack.bus.objects(PAYLOADS)].every(([, body]) => body === `{"returnvalue":${value}}`)).toBe(true);
    expect(stack.forward.usage.maxMemory).toBeLessThan(MEMORY);
  });
});
