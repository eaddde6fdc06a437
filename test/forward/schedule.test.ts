import { setTimeout } from 'node:timers/promises';
import { fc } from '@fast-check/vitest';
import { expect, test } from 'vitest';
import type { ForwardResult } from '../../functions/forward/handler.ts';
import type { LocalFunction } from '../../local/lambda/function.ts';
import { BUS } from '../../local/stack.ts';
import { repetitions } from '../effort.ts';
import { adminRedis } from '../redis.ts';
import { testStack } from '../stack.ts';

/*
 * A schedule of one minute, 20 times as fast: an interval of 3 s, runs that start up to 1.5 s early or late, and one in
 * eight that is missing. A run lasts 2.1 intervals, as it does with a timeout of 60 + 75 s, of which the last 10 s are
 * for draining; of a short timeout, that is a fifth. What is not scaled: the lease (20 s), the pauses between two looks
 * at it, and how late an event may be.
 */
const INTERVAL = 3000;
const TIMEOUT = (2.1 * INTERVAL) / 0.8;
const JITTER = INTERVAL / 2;
/** Milliseconds from the adding of an entry to its event. */
const LATEST = 2000;
/** Milliseconds between two entries. */
const PACE = 40;

/** Stacks that live at the same time, and the starts in each. */
const STACKS = repetitions(5, 2);
const STARTS = repetitions(10, 3);

interface Start {
  /** From -1 (as early as may be) to 1. */
  readonly offset: number;
  readonly isMissing: boolean;
}

const starts = fc.array(
  fc.record<Start>({
    offset: fc.double({ min: -1, max: 1, noNaN: true }),
    isMissing: fc.nat(7).map((n) => n === 0),
  }),
  { minLength: STARTS, maxLength: STARTS },
);

/** When runs start, in milliseconds. The one after a missing one comes while its predecessor lasts. */
function timesOf(all: readonly Start[]): number[] {
  const times = [0];
  let hasMissed = false;
  for (const [n, { offset, isMissing }] of all.entries()) {
    const latest = Math.max(...times);
    const time = (n + 1) * INTERVAL + offset * JITTER;
    const skips: boolean = isMissing && !hasMissed && n > 0 && n < all.length - 1;
    if (!skips) times.push(hasMissed ? Math.min(time, latest + 2 * INTERVAL) : time);
    hasMissed = skips;
  }
  return times;
}

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
  const arrivals = new Map<number, number>();
  const addedAt: number[] = [];
  stack.bus.subscribe({
    bus: BUS,
    pattern: { source: ['bullmq'] },
    deliver: ({ detail }) => arrivals.set(Number((detail['fields'] as { n: string }).n), performance.now()),
  });
  const invoke = createPool(() => stack.start('forward', {}, { timeout: TIMEOUT / 1000 }));
  const add = async () => {
    addedAt.push(performance.now());
    await admin.xadd(`${stack.prefix}:q:events`, '*', 'event', 'x', 'n', addedAt.length - 1);
  };

  await add();
  const first = invoke();
  await expect.poll(() => arrivals.size, { timeout: 20_000 }).toBe(1);
  let isOver = false;
  /** How late this machine is by itself, in milliseconds. */
  let slowness = 0;
  const producer = (async () => {
    while (!isOver) {
      const due = performance.now() + PACE;
      await setTimeout(PACE);
      slowness = Math.max(slowness, performance.now() - due);
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
  const delays = addedAt.map((at, n) => (arrivals.get(n) ?? Number.POSITIVE_INFINITY) - at);
  return {
    lost: results.reduce((sum, { lost }) => sum + lost, 0),
    missing: delays.filter((delay) => delay === Number.POSITIVE_INFINITY).length,
    isInTime: Math.max(...delays) <= LATEST + slowness,
    duplicates: stack.bus.accepted.length - addedAt.length,
    warnings: stack.log.filter((line) => line.includes('"level":"WARN"')),
  };
}

test('runs that a schedule starts early, late or not at all hand over, and no event comes more than two seconds late', {
  timeout: 120_000,
}, async () => {
  const schedules = fc.sample(starts, STACKS).map(timesOf);

  const outcomes = await Promise.all(schedules.map(live));

  expect(outcomes).toEqual(schedules.map(() => ({ lost: 0, missing: 0, isInTime: true, duplicates: 0, warnings: [] })));
});
