import { QueueEventsProducer } from 'bullmq';
import { QUEUE } from './jobs.ts';
import type { Way, World } from './way.ts';
import { CONCURRENCY } from './workload.ts';

/** Jobs before, while and after something goes wrong, and the cap of the events stream in entries. */
export interface Sizes {
  readonly before: number;
  readonly during: number;
  readonly after: number;
  readonly maxLen: number;
}

export interface Scenario {
  readonly title: string;
  /** What is done, in words, with the sizes. */
  readonly what: (sizes: Sizes) => string;
  readonly play: (world: World, way: Way, sizes: Sizes) => Promise<void>;
}

const jobs = (count: number) => count.toLocaleString('en');

async function startUp({ workload }: World, way: Way, { during }: Sizes): Promise<void> {
  const release = workload.hold();
  await workload.work();
  await workload.add(during);
  await workload.held(Math.min(during, 2 * CONCURRENCY));
  const ready = way.start();
  release();
  await workload.finish();
  await ready;
  await way.settle();
}

async function downtime({ workload }: World, way: Way, { before, during, after }: Sizes): Promise<void> {
  await workload.work();
  await way.start();
  await way.settle();
  await workload.run(before);
  await way.settle();
  await way.stop();
  await workload.run(during);
  await way.start();
  await way.settle();
  await workload.run(after);
  await way.settle();
}

async function malformed({ workload, ...world }: World, way: Way, sizes: Sizes): Promise<void> {
  await workload.work();
  await way.start();
  await way.settle();
  await workload.run(sizes.before);
  await publishMalformed(world, sizes.maxLen);
  await workload.run(sizes.during);
  await way.settle();
  await way.stop();
  await way.start();
  await way.settle();
  await workload.run(sizes.after);
  await way.settle();
}

/** One call of BullMQ's own interface; by default it would also cut the stream to 1,000 entries. */
async function publishMalformed({ redisUrl, prefix }: Omit<World, 'workload'>, maxLen: number): Promise<void> {
  const producer = new QueueEventsProducer(QUEUE, { prefix, connection: { url: redisUrl } });
  await producer.publishEvent({ eventName: 'completed', jobId: 'forged', returnvalue: 'not json' }, maxLen);
  await producer.close();
}

async function killed({ workload }: World, way: Way, { before, during, after }: Sizes): Promise<void> {
  await way.start();
  await way.settle();
  await workload.killWorker(before, during);
  await workload.work();
  await workload.run(after);
  await way.settle();
}

export const SCENARIOS = {
  startUp: {
    title: 'Start-up',
    what: ({ during }) =>
      `The workers have ${jobs(during)} jobs and are at work on them when the listener is started; nobody waits for it.`,
    play: startUp,
  },
  downtime: {
    title: 'Downtime',
    what: ({ before, during, after }) =>
      `${jobs(before)} jobs end while the listener is up, ${jobs(during)} while its process is gone, and ${jobs(after)} once it is started again.`,
    play: downtime,
  },
  trimmed: {
    title: 'Trimmed while down',
    what: ({ before, during, after, maxLen }) =>
      `The same with ${jobs(before)}, ${jobs(during)} and ${jobs(after)} jobs: more entries than the stream's cap of ${jobs(maxLen)}, so that Redis drops the oldest.`,
    play: downtime,
  },
  malformed: {
    title: 'A malformed entry',
    what: ({ before, during, after }) =>
      `After ${jobs(before)} jobs one entry comes whose \`returnvalue\` is not JSON. ${jobs(during)} jobs follow; then the listener is started again, and ${jobs(after)} more follow.`,
    play: malformed,
  },
  killed: {
    title: 'A worker that is killed',
    what: ({ before, during, after }) =>
      `A worker process ends ${jobs(before)} jobs, and ${jobs(during)} more in Redis, but is killed before it reads the replies. Other workers do ${jobs(after)} more jobs. The listener is up all the time.`,
    play: killed,
  },
} as const satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof SCENARIOS;
