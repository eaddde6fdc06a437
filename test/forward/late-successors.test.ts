import { test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { RedisError } from '../../functions/errors.ts';
import type { Report } from '../../functions/forward/report.ts';
import { deadlineTimes } from '../../functions/invocation.ts';
import { repetitions } from '../effort.ts';
import { createVirtualTime } from '../virtual-time.ts';
import { jitteredSchedules } from './jittered-schedule.ts';
import { type Around, createWorld } from './world.ts';

const INTERVAL = 60_000;
const TIMEOUT = INTERVAL + 75_000;
const JITTER = 30_000;
/** Milliseconds between two entries. */
const PACE = 500;
/** Starts of one schedule. */
const STARTS = repetitions(10, 4);

function endedByHandOver(error: Error): void {
  if (!(error instanceof RedisError && error.code === 'REDIS_CLOSED')) throw error;
}

/** Adds entries while a schedule starts runs, in a time that passes only while everybody waits. */
async function live(times: readonly number[]) {
  const time = await createVirtualTime();
  const world = await createWorld({ tail: 'always', interval: INTERVAL });
  const begin = world.now().getTime();
  const addedAt: number[] = [];
  const delays = new Map<number, number>();
  /** The reads that Redis lets wait for an entry. */
  const blocked = new Set<Promise<unknown>>();
  let mayBlock = false;

  async function wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
    await time.wait(milliseconds, signal);
    world.advance(begin + time.elapsed() - world.now().getTime());
  }

  const around: Around = async (call, _, service) => {
    if (!mayBlock) {
      const answer = await time.busy(call);
      if (service === 'bus') noteArrivals();
      return answer;
    }
    mayBlock = false;
    const answer = call();
    blocked.add(answer);
    return answer.finally(() => blocked.delete(answer));
  };

  function noteArrivals(): void {
    for (const { detail } of world.bus.accepted.slice(delays.size)) {
      const { n } = detail['fields'] as { n: string };
      delays.set(Number(n), time.elapsed() - (addedAt[Number(n)] as number));
    }
  }

  async function add(): Promise<void> {
    const waiting = [...blocked];
    addedAt.push(time.elapsed());
    await time.busy(async () => {
      await world.admin.xadd(world.key('q'), '*', 'event', 'x', 'n', addedAt.length - 1);
      // Redis answers them after the XADD.
      if (waiting.length > 0) await Promise.race(waiting).catch(endedByHandOver);
    });
  }

  async function run(start: number) {
    await wait(start);
    const drain = new AbortController();
    wait(deadlineTimes(TIMEOUT).drain).then(() => drain.abort());
    return world.run({ around, wait, drain: drain.signal, onListening: () => (mayBlock = true) });
  }

  async function produce(end: number): Promise<void> {
    for (let at = 0; at < end; at += PACE) {
      await add();
      await wait(PACE);
    }
  }

  const end = Math.max(...times) + INTERVAL;
  const reports = await time.until(
    Promise.all([...times.map(run), run(end + PACE), produce(end)]).then((all) => all.slice(0, -1) as Report[]),
  );
  return {
    added: addedAt.length,
    arrived: delays.size,
    published: world.bus.accepted.length,
    latest: Math.max(...delays.values()),
    warnings: reports.flatMap(({ warnings }) => warnings),
  };
}

test.prop([jitteredSchedules(STARTS, INTERVAL, JITTER)], { numRuns: repetitions(5, 2) })(
  'runs that start up to 30 s early or late, or not at all, hand over, and no event comes more than a second late',
  async (times) => {
    const { added, arrived, published, latest, warnings } = await live(times);

    expect({ arrived, published, warnings }).toEqual({ arrived: added, published: added, warnings: [] });
    expect(latest).toBeLessThanOrEqual(1000);
  },
);
