import { setTimeout } from 'node:timers/promises';
import { fc } from '@fast-check/vitest';
import { expect, test } from 'vitest';
import type { ForwardResult } from '../../functions/forward/handler.ts';
import type { LocalFunction } from '../../local/lambda/function.ts';
import { repetitions } from '../effort.ts';
import { adminRedis } from '../redis.ts';
import { testStack } from '../stack.ts';
import { jitteredSchedules } from './jittered-schedule.ts';

/*
 * A schedule of one minute, 20 times as fast: an interval of 3 s, runs that start up to 1.5 s early or late, and one in
 * eight that is missing. A run lasts 2.1 intervals, as it does with a timeout of 60 + 75 s, of which the last 10 s are
 * for draining; of a short timeout, that is a fifth. What is not scaled: the lease (20 s), and the pauses between two
 * looks at it. How late events are is tested in a time of its own, see `late-successors.test.ts`.
 */
const INTERVAL = 3000;
const TIMEOUT = (2.1 * INTERVAL) / 0.8;
const JITTER = INTERVAL / 2;
/** Milliseconds between two entries. */
const PACE = 40;

/** Stacks that live at the same time, and the starts in each. */
const STACKS = repetitions(3, 2);
const STARTS = repetitions(10, 3);

/** Functions that are warm or new, as Lambda has them: each has one invocation at a time. */
function createPool(start: () => LocalFunction<ForwardResult>) {
  const idle: LocalFunction<ForwardResult>[] = [];
  return async (): Promise<ForwardResult> => {
    const one = idle.pop() ?? start();
    const result = await one.invoke();
    idle.push(one);
    return result;
  };
}

/** Adds entries while a schedule starts runs. @returns what the runs came to, and what became of the entries */
async function live(times: readonly number[]) {
  const stack = await testStack({
    BULLBRIDGE_EVENTS: '*',
    BULLBRIDGE_QUEUES: 'q',
    BULLBRIDGE_TAIL: 'always',
    BULLBRIDGE_INTERVAL_SECONDS: `${INTERVAL / 1000}`,
  });
  const admin = adminRedis();
  let added = 0;
  const invoke = createPool(() => stack.start('forward', {}, { timeout: TIMEOUT / 1000 }));
  const add = () => admin.xadd(`${stack.prefix}:q:events`, '*', 'event', 'x', 'n', added++);

  await add();
  const first = invoke();
  await expect.poll(() => stack.bus.accepted.length).toBe(1);
  let isOver = false;
  const producer = (async () => {
    while (!isOver) {
      await setTimeout(PACE);
      await add();
    }
  })();
  const runs = times.slice(1).map(async (time) => {
    await setTimeout(time);
    return invoke();
  });
  await setTimeout(Math.max(...times) + INTERVAL / 2);
  isOver = true;
  await producer;
  const last = stack.start('forward', { BULLBRIDGE_TAIL: 'never' }).invoke();
  const results = await Promise.all([first, ...runs, last]);
  const arrived = new Set(stack.bus.accepted.map(({ detail }) => detail['id'])).size;
  return {
    lost: results.reduce((sum, { lost }) => sum + lost, 0),
    missing: added - arrived,
    duplicates: stack.bus.accepted.length - arrived,
    warnings: stack.log.filter((line) => line.includes('"level":"WARN"')),
  };
}

test('runs that a schedule starts early, late or not at all hand over, and publish every entry once', {
  timeout: 120_000,
}, async () => {
  const schedules = fc.sample(jitteredSchedules(STARTS, INTERVAL, JITTER), STACKS);

  const outcomes = await Promise.all(schedules.map(live));

  expect(outcomes).toEqual(schedules.map(() => ({ lost: 0, missing: 0, duplicates: 0, warnings: [] })));
});
