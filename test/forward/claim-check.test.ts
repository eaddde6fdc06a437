import { describe, expect, test } from 'vitest';
import { DEAD_LETTERS, PAYLOADS } from '../../local/stack.ts';
import { adminRedis } from '../redis.ts';
import { type TestStack, testStack } from '../stack.ts';
import { inStreamOrder } from '../stream-order.ts';

/** 3 MB, with all that JSON writes in a way of its own. */
const VALUE = {
  rows: Array.from({ length: 50_000 }, (_, n) => ({
    n: n / 8,
    text: `ü"\\\n\u2028\u{1f600} ${n}`,
    'a.b': [null, true],
  })),
};

/** The events of a queue: a small one, a large one, a small one. */
async function write({ prefix }: TestStack, returnvalue: unknown = VALUE): Promise<void> {
  const key = `${prefix}:emails`;
  const pipeline = adminRedis().pipeline().hset(`${key}:meta`, 'opts.maxLenEvents', 10_000);
  for (const [jobId, value] of [0, returnvalue, 2].entries())
    pipeline.xadd(`${key}:events`, '*', 'event', 'completed', 'jobId', jobId, 'returnvalue', JSON.stringify(value));
  await pipeline.exec();
}

const arrived = ({ bus }: TestStack) => inStreamOrder(bus.accepted).map(({ detail }) => detail);
const stored = ({ bus }: TestStack) => [...bus.objects(PAYLOADS)];

describe('a returnvalue of 3 MB', () => {
  test('arrives by its claim check, byte for byte, between its neighbours', async () => {
    const stack = await testStack();
    await write(stack);

    expect(await stack.forward.invoke({})).toMatchObject({ published: 3, parked: 0, lost: 0, caughtUp: true });

    const [before, large, after] = arrived(stack);
    expect([before, after]).toMatchObject([{ returnvalue: 0 }, { returnvalue: 2 }]);
    expect(large).not.toHaveProperty('returnvalue');
    expect(large).not.toHaveProperty('truncated');
    const [[key, body = ''] = []] = stored(stack);
    expect(large).toMatchObject({
      id: key,
      jobId: '1',
      claimCheck: { bucket: PAYLOADS, key, fields: ['returnvalue'], bytes: Buffer.byteLength(body) },
    });
    expect(body === JSON.stringify({ returnvalue: VALUE })).toBe(true);
    // What a consumer gets: the event as BullMQ wrote it.
    expect(JSON.parse(body)).toEqual({ returnvalue: VALUE });
    expect(Buffer.byteLength(body)).toBeGreaterThan(3_000_000);
  });

  test('that is not JSON arrives as a text', async () => {
    const stack = await testStack();
    const text = '{'.repeat(3_000_000);
    await adminRedis().hset(`${stack.prefix}:q:meta`, 'opts.maxLenEvents', 10_000);
    await adminRedis().xadd(`${stack.prefix}:q:events`, '*', 'event', 'completed', 'jobId', '1', 'returnvalue', text);

    expect(await stack.forward.invoke({})).toMatchObject({ published: 1 });

    expect(arrived(stack)).toMatchObject([{ unparsed: ['returnvalue'], claimCheck: { fields: ['returnvalue'] } }]);
    expect(JSON.parse(stored(stack)[0]?.[1] ?? '').returnvalue === text).toBe(true);
  });

  test('arrives cut and marked without a bucket', async () => {
    const stack = await testStack({ PAYLOAD_BUCKET: '' });
    await write(stack);

    expect(await stack.forward.invoke({})).toMatchObject({ published: 3, parked: 0, caughtUp: true });

    const whole = JSON.stringify(VALUE);
    const large = arrived(stack)[1];
    expect(large).toMatchObject({ truncated: [{ field: 'returnvalue', bytes: Buffer.byteLength(whole) }] });
    expect(whole.startsWith(String(large?.['returnvalue']))).toBe(true);
    expect(large).not.toHaveProperty('claimCheck');
    expect(stored(stack)).toEqual([]);
  });
});

describe('a run that ended between the upload and the position', () => {
  test('is followed by a run that stores the same object under the same key', async () => {
    const stack = await testStack();
    await write(stack);
    const asked = Promise.withResolvers<void>();
    stack.bus.faults.putEvents = () => {
      asked.resolve();
      return { kind: 'hang' };
    };
    const killed = stack.forward.invoke({}).catch(() => 'killed');
    await asked.promise;
    stack.forward.kill();
    expect(await killed).toBe('killed');
    const before = stored(stack);
    expect(before).toHaveLength(1);

    stack.bus.faults.putEvents = undefined;
    await stack.expireLease();
    expect(await stack.forward.invoke({})).toMatchObject({ published: 3, lost: 0 });

    expect(stored(stack)).toEqual(before);
    expect(arrived(stack)[1]).toMatchObject({ claimCheck: { key: before[0]?.[0] } });
  });
});

describe('a bucket that refuses an object fails the run, which skips nothing:', () => {
  test.each([
    ['AccessDenied', { kind: 'error', status: 403, code: 'AccessDenied' }, 'grant s3:PutObject on its objects'],
    [
      'NoSuchBucket',
      { kind: 'error', status: 404, code: 'NoSuchBucket' },
      'create it, or set PAYLOAD_BUCKET to one that exists',
    ],
  ] as const)('with %s', async (_, fault, remedy) => {
    const stack = await testStack();
    await write(stack);
    stack.bus.faults.putObject = () => fault;

    await expect(stack.forward.invoke({})).rejects.toMatchObject({
      name: 'PayloadError',
      message: expect.stringContaining(`${fault.code}: planned. Nothing is skipped: ${remedy}`),
    });
    expect(stack.bus.messages(DEAD_LETTERS)).toEqual([]);
    expect(arrived(stack)).not.toContainEqual(expect.objectContaining({ truncated: expect.anything() }));

    stack.bus.faults.putObject = undefined;
    expect(await stack.forward.invoke({})).toMatchObject({ published: 3, parked: 0, lost: 0, caughtUp: true });
    expect(arrived(stack).map(({ jobId }) => jobId)).toEqual(['0', '1', '2']);
  });
});
