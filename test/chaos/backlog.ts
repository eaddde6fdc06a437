import type { Redis } from 'ioredis';
import { expect } from 'vitest';
import { FunctionError } from '../../local/lambda/function.ts';
import { DEAD_LETTERS } from '../../local/stack.ts';
import { repetitions } from '../effort.ts';
import { adminRedis } from '../redis.ts';
import { type TestStack, testStack } from '../stack.ts';

export const ENTRIES = repetitions(3000, 1000);
/** So many that a run is in the middle of its work. */
export const SOME = ENTRIES / 10;
const SWEEP_SIZE = 100;
/** Duplicates that one interrupted run may cost, as the README says. */
export const BOUND = 2 * SWEEP_SIZE;
/**
 * Seconds for a run that waits for what does not come back. It gives up in the last fiftieth of them, so with much less, a
 * busy machine would end it by force.
 */
export const SHORT_RUN = { timeout: 25 };
const SETTINGS = { BULLBRIDGE_EVENTS: '*', BULLBRIDGE_SWEEP_SIZE: `${SWEEP_SIZE}`, BULLBRIDGE_QUEUES: 'q' };

/** The built function, and a stream that it has not seen yet. */
export async function stackWithBacklog(
  environment: Readonly<Record<string, string>> = {},
  admin: Redis = adminRedis(),
) {
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
export const accepted = ({ bus }: TestStack, more: number) => {
  const before = bus.counts.entries;
  return expect.poll(() => bus.counts.entries, { interval: 1 }).toBeGreaterThanOrEqual(before + more);
};

/** What an invocation came to: its result, or the name of its error. */
export const outcome = (invocation: Promise<unknown>) =>
  invocation.catch((error: unknown) => (error instanceof FunctionError ? error.name : Promise.reject(error)));

/** Whatever happened: the next run ends it, nothing is missing, and no more came twice than may. */
export async function expectAllSettled(stack: TestStack, allowedDuplicates: number): Promise<void> {
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
