import * as bullmq6 from 'bullmq';
import * as bullmq4 from 'bullmq4';
import * as bullmq5 from 'bullmq5';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { CATALOGUE } from '../../functions/event/catalogue.ts';
import { repetitions } from '../effort.ts';
import { unmet } from '../needs.ts';
import { adminRedis } from '../redis.ts';
import { type TestStack, testStack } from '../stack.ts';
import { inStreamOrder } from '../stream-order.ts';

// The three versions have one interface as far as it is used here.
const VERSIONS = [
  ['4', bullmq4 as unknown as typeof bullmq6],
  ['5', bullmq5 as unknown as typeof bullmq6],
  ['6', bullmq6],
] as const;

const JOBS = repetitions(2000, 500);

interface Queues {
  readonly queue: bullmq6.Queue;
  /** Starts a worker and resolves when `jobs` have completed or failed for good. */
  work(processor: (job: bullmq6.Job) => Promise<unknown>, jobs: number): Promise<void>;
}

async function openQueue({ Queue, Worker }: typeof bullmq6, prefix: string): Promise<Queues> {
  const { hostname: host, port } = new URL(inject('redisUrl'));
  const options = { prefix, connection: { host, port: Number(port), maxRetriesPerRequest: null } };
  const queue = new Queue('emails', options);
  onTestFinished(() => queue.close());
  await queue.waitUntilReady();
  return {
    queue,
    work: async (processor, jobs) => {
      const worker = new Worker('emails', processor, { ...options, concurrency: 50 });
      onTestFinished(() => worker.close());
      await new Promise<void>((resolve) => {
        let left = jobs;
        const one = () => {
          left -= 1;
          if (left === 0) resolve();
        };
        worker.on('completed', one);
        worker.on('failed', (job) => job && job.attemptsMade >= (job.opts.attempts ?? 1) && one());
      });
    },
  };
}

/** What the stream holds, as a consumer should see it. */
async function expectedDetails(prefix: string): Promise<Record<string, unknown>[]> {
  const entries = await adminRedis().xrange(`${prefix}:emails:events`, '-', '+');
  return entries.map(([streamId, texts], i) => {
    const fields = Object.fromEntries(
      Array.from({ length: texts.length / 2 }, (_, n) => [texts[2 * n] as string, texts[2 * n + 1] as string]),
    );
    const { event = '', ...rest } = fields;
    const types: Record<string, string> = CATALOGUE[event as keyof typeof CATALOGUE]?.fields ?? {};
    const values = Object.entries(rest).map(([name, text]) => {
      if (types[name] === 'json') return [name, JSON.parse(text)];
      return [name, types[name] === 'number' ? Math.trunc(Number(text)) : text];
    });
    return {
      version: '1',
      id: `default/${prefix}:emails/${streamId}`,
      sourceName: 'default',
      prefix,
      queue: 'emails',
      event,
      streamId,
      ...(unmet(['counting server']).length === 0 && { sequence: i + 1 }),
      timestamp: Number(streamId.split('-')[0]),
      ...Object.fromEntries(values),
    };
  });
}

const arrivedDetails = ({ bus }: TestStack) => inStreamOrder(bus.accepted).map(({ detail }) => detail);

describe.each(VERSIONS)('BullMQ %s', (_, bullmq) => {
  test('every entry of all jobs arrives exactly once with all its fields, and a second run publishes nothing', async () => {
    const stack = await testStack({ BULLBRIDGE_EVENTS: '*' });
    const { queue, work } = await openQueue(bullmq, stack.prefix);
    const jobs = Array.from({ length: JOBS }, (_, n) => ({
      name: 'send',
      data: { n },
      opts: { attempts: n % 50 === 0 ? 2 : 1 },
    }));
    await queue.addBulk(jobs);
    await work(async (job) => {
      if (job.data.n % 100 === 0) throw new Error(`declined "${job.data.n}"\nü`);
      if (job.data.n % 25 === 0) await job.updateProgress({ step: 'half', n: [job.data.n] });
      return job.data.n % 3 === 0 ? undefined : { sent: job.data.n, nested: [1, { x: null }] };
    }, JOBS);

    const first = await stack.forward.invoke();
    const second = await stack.forward.invoke();

    const expected = await expectedDetails(stack.prefix);
    expect(arrivedDetails(stack)).toEqual(expected);
    expect(first).toEqual({ published: expected.length, filtered: 0, parked: 0, lost: 0, queues: 1, caughtUp: true });
    expect(second).toEqual({ published: 0, filtered: 0, parked: 0, lost: 0, queues: 1, caughtUp: true });
    const types = new Set(stack.bus.accepted.map(({ DetailType }) => DetailType));
    for (const type of ['Job Added', 'Job Completed', 'Job Failed', 'Job Progress', 'Job Active', 'Queue Drained'])
      expect(types).toContain(type);
  });
});

test('a queue emits only events of the catalogue when it is paused or cleaned, and its jobs are removed, delayed or deduplicated', async () => {
  const stack = await testStack({ BULLBRIDGE_EVENTS: '*' });
  const { queue, work } = await openQueue(bullmq6, stack.prefix);
  await queue.pause();
  await queue.resume();
  await queue.add('a', {}, { jobId: 'same' });
  await queue.add('a', {}, { jobId: 'same' });
  await queue.add('b', {}, { deduplication: { id: 'd' } });
  await queue.add('b', {}, { deduplication: { id: 'd' } });
  await (await queue.add('c', {}, { delay: 60_000 })).remove();
  await work(async () => {}, 2);
  await queue.clean(0, 10);
  const producer = new bullmq6.QueueEventsProducer('emails', {
    prefix: stack.prefix,
    connection: { url: inject('redisUrl') },
  });
  onTestFinished(() => producer.close());
  await producer.publishEvent({ eventName: 'invoice', amount: 42 });

  await stack.forward.invoke();

  const arrived = arrivedDetails(stack);
  expect(arrived.map(({ event }) => event)).toEqual(
    expect.arrayContaining([
      'paused',
      'resumed',
      'added',
      'waiting',
      'duplicated',
      'deduplicated',
      'delayed',
      'removed',
      'active',
      'completed',
      'drained',
      'cleaned',
      'invoice',
    ]),
  );
  expect(arrived.find(({ event }) => event === 'cleaned')).toMatchObject({ count: 2 });
  expect(arrived.find(({ event }) => event === 'delayed')?.['delay']).toBeTypeOf('number');
  expect(arrived.find(({ event }) => event === 'invoice')).toMatchObject({ fields: { amount: '42' } });
});
