import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { repetitions } from '../effort.ts';
import { adminRedis } from '../redis.ts';
import { type TestStack, testStack } from '../stack.ts';
import { outcome } from './backlog.ts';
import { type Away, outageProxy } from './outage-proxy.ts';

const SWEEP_SIZE = 100;
/** Duplicates that an outage may cost: the answers to two sweeps are lost, or another run takes over. */
const BOUND = 2 * SWEEP_SIZE;
/** Milliseconds of an outage. */
const DURATIONS = [repetitions(1000, 300), repetitions(5000, 1000), repetitions(15_000, 2000)];
const MOMENTS = ['at the beginning', 'while it publishes', 'while it listens', 'at the hand-over'] as const;
type Moment = (typeof MOMENTS)[number];

const SETTINGS = {
  BULLBRIDGE_EVENTS: '*',
  BULLBRIDGE_QUEUES: 'q',
  BULLBRIDGE_SWEEP_SIZE: `${SWEEP_SIZE}`,
  BULLBRIDGE_TAIL: 'always',
  // A successor is due at once, so that a run looks for it twice a second.
  BULLBRIDGE_INTERVAL_SECONDS: '1',
};

interface Service {
  /** The variable that says where it is. */
  readonly variable: string;
  readonly urlOf: (stack: TestStack) => string;
  readonly ways: readonly Away[];
}

const SILENT: readonly Away[] = [{ kind: 'refuses' }, { kind: 'resets' }, { kind: 'hangs' }];

const SERVICES: Readonly<Record<string, Service>> = {
  Redis: { variable: 'REDIS_URL', urlOf: ({ redisUrl }) => redisUrl, ways: SILENT },
  'The checkpoint table': {
    variable: 'AWS_ENDPOINT_URL_DYNAMODB',
    urlOf: ({ tableUrl }) => tableUrl,
    ways: [
      ...SILENT,
      { kind: 'error', status: 500, code: 'InternalServerError' },
      { kind: 'error', status: 400, code: 'ProvisionedThroughputExceededException' },
    ],
  },
  'The event bus': {
    variable: 'AWS_ENDPOINT_URL_EVENTBRIDGE',
    urlOf: ({ bus }) => bus.url,
    ways: [
      ...SILENT,
      { kind: 'error', status: 503, code: 'ServiceUnavailable' },
      { kind: 'error', status: 400, code: 'ThrottlingException' },
    ],
  },
};

/** Entries that are added one after the other, and what became of them. */
function createEntries({ prefix, bus, log }: TestStack) {
  const admin = adminRedis();
  let added = 0;
  return {
    async add(count: number): Promise<void> {
      const pipeline = admin.pipeline();
      for (let n = 0; n < count; n += 1) pipeline.xadd(`${prefix}:q:events`, '*', 'event', 'x', 'n', added++);
      await pipeline.exec();
    },
    /** Resolves once so many more entries were accepted. */
    async accepted(more: number): Promise<void> {
      const least = bus.counts.entries + more;
      await expect.poll(() => bus.counts.entries, { interval: 1, timeout: 60_000 }).toBeGreaterThanOrEqual(least);
    },
    async allArrived(): Promise<void> {
      // Which they are is only asked once they can be all.
      const arrived = () =>
        bus.counts.entries < added ? bus.counts.entries : new Set(bus.accepted.map(({ detail }) => detail['id'])).size;
      const all = expect.poll(arrived, { interval: 50, timeout: 60_000 }).toBe(added);
      await all.catch((cause: Error) => {
        throw new Error(`${cause.message}; the runs said last:\n${log.slice(-20).join('\n')}`, { cause });
      });
    },
    missing: () => added - new Set(bus.accepted.map(({ detail }) => detail['id'])).size,
    duplicates: () => bus.accepted.length - new Set(bus.accepted.map(({ detail }) => detail['id'])).size,
  };
}

/** Lives through an outage at each of these moments. @returns what the runs came to */
async function live(service: Service, how: Away, moments: ReadonlyMap<Moment, number>) {
  const stack = await testStack(SETTINGS);
  const proxy = await outageProxy(service.urlOf(stack));
  const entries = createEntries(stack);
  const start = (settings = {}) =>
    outcome(stack.start('forward', { [service.variable]: proxy.url, ...settings }, { timeout: 200 }).invoke());

  async function outage(moment: Moment, meanwhile: () => void = () => {}): Promise<void> {
    const milliseconds = moments.get(moment);
    if (milliseconds === undefined) return meanwhile();
    await proxy.leave(how);
    meanwhile();
    await setTimeout(milliseconds);
    await proxy.comeBack();
  }

  await entries.add(SWEEP_SIZE);
  const runs: Promise<unknown>[] = [];
  await outage('at the beginning', () => runs.push(start()));
  await entries.allArrived();
  await entries.add(20 * SWEEP_SIZE);
  await entries.accepted(3 * SWEEP_SIZE);
  await outage('while it publishes');
  await entries.allArrived();
  await outage('while it listens', () => entries.add(3));
  await entries.allArrived();
  await outage('at the hand-over', () => runs.push(start()));
  await runs[0];
  await entries.add(3);
  await entries.allArrived();
  runs.push(start({ BULLBRIDGE_TAIL: 'never' }));
  const ended = await Promise.all(runs);
  return {
    ended,
    missing: entries.missing(),
    isWithinBound: entries.duplicates() <= moments.size * BOUND,
    log: stack.log,
  };
}

test('no run fails and no entry is lost by outages of one service, of whatever kind, at each moment of a run', {
  timeout: 240_000,
}, async () => {
  const cases = Object.entries(SERVICES).flatMap(([name, service]) =>
    service.ways.map((how) => ({ name, service, how })),
  );

  const outcomes = await Promise.all(
    cases.map(async ({ name, service, how }, n) => {
      const moments = MOMENTS.filter((_, m) => (n + m) % repetitions(1, 2) === 0);
      const durations = new Map(moments.map((moment, m) => [moment, DURATIONS[(n + m) % 3] as number]));
      const { log, ...outcome } = await live(service, how, durations);
      const begun = log.filter((line) => line.includes(`${name} does not answer`)).length;
      const over = log.filter((line) => line.includes(`${name} answers again`)).length;
      // A run that hands over does not wait for the connection that it listened with.
      return { name, how, ...outcome, unended: Math.max(0, begun - over - (name === 'Redis' ? 1 : 0)) };
    }),
  );

  const ended = Array(3).fill(expect.objectContaining({ lost: 0, parked: 0 }));
  expect(outcomes).toEqual(
    cases.map(({ name, how }) => ({ name, how, ended, missing: 0, isWithinBound: true, unended: 0 })),
  );
});
