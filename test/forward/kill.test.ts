import { setInterval } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { repetitions } from '../effort.ts';
import { adminRedis } from '../redis.ts';
import { testStack } from '../stack.ts';

const BACKLOG = repetitions(20_000, 5000);
const KILLS = repetitions(30, 6);
const SWEEP_SIZE = 200;

test('a forwarder killed again and again in a backlog loses nothing and keeps duplicates within the bound', {
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
    await expect.poll(() => stack.bus.counts.entries, { interval: 1 }).toBeGreaterThan(before + ((kill * 37) % 500));
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

test('a forwarder killed again and again while it listens loses nothing and keeps duplicates within the bound', {
  timeout: 180_000,
}, async () => {
  const SMALL_SWEEP = 20;
  const stack = await testStack({
    BULLBRIDGE_TAIL: 'always',
    BULLBRIDGE_EVENTS: '*',
    BULLBRIDGE_SWEEP_SIZE: `${SMALL_SWEEP}`,
    BULLBRIDGE_QUEUES: 'q',
  });
  const admin = adminRedis();
  let added = 0;
  const producing = new AbortController();
  const producer = (async () => {
    for await (const _ of setInterval(10)) {
      if (producing.signal.aborted) return;
      await admin.xadd(`${stack.prefix}:q:events`, '*', 'event', 'completed', 'jobId', added);
      added += 1;
    }
  })();

  for (let kill = 1; kill <= KILLS / 3; kill += 1) {
    const running = stack.forward.invoke().catch((error: Error) => error.name);
    // It has caught up, and heard of so many entries since.
    const before = added;
    await expect.poll(() => stack.bus.counts.entries, { interval: 1 }).toBeGreaterThan(before + 10 + ((kill * 7) % 23));
    stack.forward.kill();
    expect(await running).toBe('Runtime.ExitError');
    await stack.expireLease();
  }
  producing.abort();
  await producer;
  const last = await stack.start('forward', { BULLBRIDGE_TAIL: 'never' }).invoke();

  expect(last).toMatchObject({ caughtUp: true, lost: 0, parked: 0 });
  const jobs = stack.bus.accepted.map(({ detail }) => detail['jobId'] as string);
  expect(new Set(jobs).size).toBe(added);
  const duplicates = jobs.length - added;
  expect(duplicates).toBeLessThanOrEqual((KILLS / 3) * 2 * SMALL_SWEEP);
  expect(duplicates).toBeGreaterThan(0);
});

test('after a kill while a run listens, the next run takes over, and hands over to a third run', async () => {
  const stack = await testStack({
    BULLBRIDGE_TAIL: 'always',
    BULLBRIDGE_INTERVAL_SECONDS: '2',
    BULLBRIDGE_QUEUES: 'q',
  });
  const admin = adminRedis();
  const ids: (string | null)[] = [];
  const add = async () => ids.push(await admin.xadd(`${stack.prefix}:q:events`, '*', 'event', 'completed'));
  const forwarded = () => stack.bus.accepted.map(({ detail }) => detail['streamId'] as string);
  const arrived = () => expect.poll(() => new Set(forwarded()).size).toBe(ids.length);
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
  // One more container, started while the second run has the lease: it asks for it.
  const third = stack.start('forward').invoke();
  await add();
  await arrived();
  expect(await second).toMatchObject({ caughtUp: true });
  await add();
  await arrived();

  const last = stack.start('forward', { BULLBRIDGE_TAIL: 'never' }).invoke();
  expect(await third).toMatchObject({ lost: 0, caughtUp: true });
  expect(await last).toMatchObject({ published: 0, caughtUp: true });
  expect([...new Set(forwarded())]).toEqual(ids);
  // What the run that was killed had sent and not saved.
  expect(forwarded().length - ids.length).toBeLessThanOrEqual(1);
});
