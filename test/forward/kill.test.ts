import { expect, test } from 'vitest';
import { adminRedis } from '../redis.ts';
import { testStack } from '../stack.ts';

const BACKLOG = 20_000;
const KILLS = 30;
const SWEEP_SIZE = 200;

test(`killed ${KILLS} times in the middle of ${BACKLOG} entries, nothing is lost and duplicates stay within the bound`, {
  timeout: 180_000,
}, async () => {
  const stack = await testStack({
    BULLBRIDGE_EVENTS: '*',
    BULLBRIDGE_SWEEP_SIZE: `${SWEEP_SIZE}`,
    BULLBRIDGE_QUEUES: 'q',
  });
  const admin = adminRedis();
  for (let n = 0; n < BACKLOG; n += 1000) {
    const pipeline = admin.pipeline();
    for (let i = n; i < n + 1000; i += 1)
      pipeline.xadd(`${stack.prefix}:q:events`, '*', 'event', 'completed', 'jobId', i, 'returnvalue', i);
    await pipeline.exec();
  }

  for (let kill = 1; kill <= KILLS; kill += 1) {
    const before = stack.bus.counts.entries;
    const running = stack.forward.invoke().then(
      () => 'ended',
      (error: Error) => error.name,
    );
    // Somewhere in the run, another place each time: between a request and the saving of two sweeps.
    await expect
      .poll(() => stack.bus.counts.entries, { interval: 1, timeout: 20_000 })
      .toBeGreaterThan(before + ((kill * 37) % 500));
    stack.forward.kill();
    expect(await running).toBe('Runtime.ExitError');
    await stack.expireLease();
  }
  const last = await stack.forward.invoke();

  expect(last).toMatchObject({ caughtUp: true, lost: 0, parked: 0 });
  const arrived = stack.bus.accepted.map(({ detail }) => detail['returnvalue'] as number);
  expect(new Set(arrived).size).toBe(BACKLOG);
  const duplicates = arrived.length - BACKLOG;
  expect(duplicates).toBeLessThanOrEqual(KILLS * 2 * SWEEP_SIZE);
  expect(duplicates).toBeGreaterThan(0);
});

test('killed while it goes on listening, the next run takes over, and hands over when one more is due', async () => {
  const stack = await testStack({
    BULLBRIDGE_TAIL: 'always',
    BULLBRIDGE_INTERVAL_SECONDS: '2',
    BULLBRIDGE_QUEUES: 'q',
  });
  const admin = adminRedis();
  const ids: (string | null)[] = [];
  const add = async () => ids.push(await admin.xadd(`${stack.prefix}:q:events`, '*', 'event', 'completed'));
  const arrived = () => expect.poll(() => stack.bus.accepted.length, { timeout: 20_000 }).toBe(ids.length);
  await add();
  const killed = stack.forward.invoke().catch((error: Error) => error.name);
  await arrived();
  await add();
  await arrived();

  stack.forward.kill();
  expect(await killed).toBe('Runtime.ExitError');
  await add();
  await stack.expireLease();
  const second = stack.forward.invoke();
  await arrived();
  // One more container, started while the second run still has the lease: it waits until that is given back.
  const third = stack.start('forward').invoke();
  await add();
  await arrived();
  expect(await second).toMatchObject({ caughtUp: true });
  await add();
  await arrived();

  expect(await third).toMatchObject({ lost: 0, caughtUp: true });
  expect(stack.bus.accepted.map(({ detail }) => detail['streamId'])).toEqual(ids);
});
