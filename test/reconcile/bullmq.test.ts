import * as bullmq6 from 'bullmq';
import * as bullmq4 from 'bullmq4';
import * as bullmq5 from 'bullmq5';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { testWith } from '../test-with.ts';
import { type GapStack, gapStack } from './gaps.ts';

const testCounting = testWith('counting server');

// The three versions have one interface as far as it is used here.
const VERSIONS = [
  ['4', bullmq4 as unknown as typeof bullmq6],
  ['5', bullmq5 as unknown as typeof bullmq6],
  ['6', bullmq6],
] as const;

/** How the workers themselves saw a job end. */
interface Ending {
  readonly jobId: string;
  readonly event: 'completed' | 'failed';
  readonly returnvalue?: unknown;
  readonly failedReason?: string;
}

interface TestQueue {
  readonly queue: bullmq6.Queue;
  /** How jobs ended so far, but for those that leave nothing behind. */
  readonly endings: Ending[];
  /** Adds jobs without working on them. */
  add(kinds: Readonly<Record<string, number>>): Promise<void>;
  /** Works until all that was added has ended. */
  work(): Promise<void>;
}

/** Jobs named `completes`, `fails` and `vanishes` do what their names say. */
async function openQueue({ Queue, Worker }: typeof bullmq6, { prefix }: GapStack): Promise<TestQueue> {
  const { hostname: host, port } = new URL(inject('redisUrl'));
  const options = { prefix, connection: { host, port: Number(port), maxRetriesPerRequest: null } };
  const queue = new Queue('emails', options);
  onTestFinished(() => queue.close());
  await queue.waitUntilReady();
  const endings: Ending[] = [];
  let left = 0;
  return {
    queue,
    endings,
    add: async (kinds) => {
      const jobs = Object.entries(kinds).flatMap(([name, count]) =>
        Array.from({ length: count }, (_, n) => ({
          name,
          data: { n },
          opts: { removeOnComplete: name === 'vanishes' },
        })),
      );
      left += jobs.length;
      await queue.addBulk(jobs);
    },
    work: async () => {
      const done = Promise.withResolvers<void>();
      const processor = async (job: bullmq6.Job) => {
        if (job.name === 'fails') throw new Error(`declined "${job.data.n}"\nü`);
        return { sent: job.data.n, nested: [1, { x: null }] };
      };
      const worker = new Worker('emails', processor, { ...options, concurrency: 50 });
      const one = (ending: Ending | undefined) => {
        if (ending) endings.push(ending);
        left -= 1;
        if (left === 0) done.resolve();
      };
      worker.on('completed', ({ id: jobId = '', name, returnvalue }) =>
        one(name === 'vanishes' ? undefined : { jobId, event: 'completed', returnvalue }),
      );
      worker.on('failed', (job, { message }) => one({ jobId: job?.id ?? '', event: 'failed', failedReason: message }));
      await done.promise;
      await worker.close();
    },
  };
}

const byJob = (a: { jobId?: unknown }, b: { jobId?: unknown }) => Number(a.jobId) - Number(b.jobId);

/** What arrived of the ends of jobs, as the workers would say it. */
const arrivedEndings = ({ bus }: GapStack) =>
  bus.accepted
    .filter(({ Source }) => Source === 'bullmq')
    .map(({ detail: { jobId, event, returnvalue, failedReason } }) => ({ jobId, event, returnvalue, failedReason }))
    .sort(byJob);

describe.each(VERSIONS)('BullMQ %s', (_, bullmq) => {
  testCounting(
    'a gap in which 500 jobs completed, 50 failed and 100 more left no trace: exactly the 550 are recovered, once',
    async () => {
      const stack = await gapStack();
      const { queue, endings, add, work } = await openQueue(bullmq, stack);
      const key = `${stack.prefix}:emails:events`;
      const added = async () => {
        const info = (await stack.admin.xinfo('STREAM', key)) as unknown[];
        return Number(info[info.indexOf('entries-added') + 1]);
      };
      await add({ completes: 500, fails: 50, vanishes: 100 });
      await stack.forward.invoke();
      const before = await added();
      await work();
      const lost = (await added()) - before;
      await stack.admin.xtrim(key, 'MAXLEN', 0);
      await queue.add('later', {});
      expect(await stack.forward.invoke()).toMatchObject({ lost, published: 0 });
      await stack.openFound();

      expect(await stack.reconcile.invoke()).toEqual({
        gaps: 1,
        completed: 500,
        failed: 50,
        unknown: lost - 550,
        caughtUp: true,
      });

      expect(arrivedEndings(stack)).toEqual(endings.sort(byJob));
      expect(stack.recovered()).toHaveLength(550);
      for (const detail of stack.recovered()) {
        const { jobId, event, timestamp, possibleDuplicate, returnvalue, failedReason, ...rest } = detail;
        expect(rest).toEqual({
          version: '1',
          id: `default/${stack.prefix}:emails/${jobId}/${event}/${timestamp}`,
          sourceName: 'default',
          prefix: stack.prefix,
          queue: 'emails',
          recovered: true,
        });
        expect((await queue.getJob(`${jobId}`))?.finishedOn).toBe(timestamp);
      }
      const [{ id, afterId, beforeId } = {}] = stack.news('Events Lost');
      expect(stack.news('Events Recovered')).toEqual([
        {
          id: expect.stringContaining(`default/${stack.prefix}:emails/${afterId}/`),
          sourceName: 'default',
          prefix: stack.prefix,
          queue: 'emails',
          afterId,
          beforeId,
          lost,
          completed: 500,
          failed: 50,
          unknown: lost - 550,
        },
      ]);
      expect(stack.news('Events Recovered')[0]?.['id']).not.toBe(id);

      const arrived = stack.bus.accepted.length;
      expect(await stack.reconcile.invoke()).toEqual({ gaps: 0, completed: 0, failed: 0, unknown: 0, caughtUp: true });
      expect(stack.bus.accepted).toHaveLength(arrived);
    },
  );
});

test('events that are still in the stream behind a gap are left to the forward function, so that each end of a job arrives once', async () => {
  const stack = await gapStack();
  const { endings, add, work } = await openQueue(bullmq6, stack);
  await add({ completes: 300, fails: 30 });
  await stack.forward.invoke();
  await work();
  await stack.admin.xtrim(`${stack.prefix}:emails:events`, 'MAXLEN', 201);
  const { published } = await stack.forward.invoke();
  await stack.openFound();

  const { completed, failed } = await stack.reconcile.invoke();

  expect(published).toBeGreaterThan(50);
  expect(completed + failed).toBe(330 - published);
  expect(arrivedEndings(stack)).toEqual(endings.sort(byJob));
});

test('jobs that finish while a gap at the end of a stream is recovered are left to the forward function', async () => {
  const stack = await gapStack();
  const { endings, add, work } = await openQueue(bullmq6, stack);
  await add({ completes: 20 });
  await stack.forward.invoke();
  await work();
  await stack.admin.xtrim(`${stack.prefix}:emails:events`, 'MAXLEN', 0);
  // A new container reads all queues; one that is warm does within minutes.
  await stack.start('forward').invoke();
  await stack.openFound();
  expect(stack.news('Events Lost')).toMatchObject([{ beforeId: null }]);
  await add({ completes: 20, fails: 5 });
  await work();

  expect(await stack.reconcile.invoke()).toMatchObject({ gaps: 1, completed: 20, failed: 0 });
  await stack.forward.invoke();

  expect(arrivedEndings(stack)).toEqual(endings.sort(byJob));
});

describe('recovered events', () => {
  test('have the fields of their jobs, like events of the stream', async () => {
    const stack = await gapStack({ BULLBRIDGE_JOB_FIELDS: 'name+attemptsMade+data.n,failed=finishedOn+opts.attempts' });
    const { queue, add, work } = await openQueue(bullmq6, stack);
    await add({ completes: 2, fails: 1 });
    await stack.forward.invoke();
    await work();
    await stack.admin.xtrim(`${stack.prefix}:emails:events`, 'MAXLEN', 0);
    await stack.start('forward').invoke();
    await stack.openFound();

    expect(await stack.reconcile.invoke()).toMatchObject({ completed: 2, failed: 1, caughtUp: true });

    for (const { event, jobId, job, timestamp } of stack.recovered()) {
      const { name, data } = (await queue.getJob(`${jobId}`)) as bullmq6.Job;
      const told = { name, attemptsMade: 1, data: { n: data.n } };
      expect(job).toEqual(event === 'completed' ? told : { finishedOn: timestamp, opts: { attempts: 0 } });
    }
  });

  test('have no field that must not leave Redis, and no field that is too large', async () => {
    const environment = {
      BULLBRIDGE_JOB_FIELDS: 'data+name',
      BULLBRIDGE_OMIT: 'returnvalue.card,failedReason,job.data.card',
    };
    const stack = await gapStack(environment);
    await stack.open();
    const result = '{"card":"5EC12E7","ok":true}';
    await stack.finish('completed', [{ id: '1', result }, { id: '2' }, { id: '3', result: '{"card":"5EC12E7"' }]);
    await stack.finish('failed', [{ id: '4', result: '5EC12E7' }]);
    await stack.admin.hset(`${stack.prefix}:q:1`, 'data', '{"card":"5EC12E7","n":1}');
    await stack.admin.hset(`${stack.prefix}:q:2`, 'data', `"${'5EC12E7'.repeat(2_000_000)}"`);

    expect(await stack.reconcile.invoke()).toMatchObject({ completed: 3, failed: 1, caughtUp: true });

    const byId = stack.recovered().sort(byJob);
    expect(byId).toMatchObject([
      {
        returnvalue: { ok: true },
        job: { name: 'send', data: { n: 1 } },
        omitted: ['returnvalue.card', 'job.data.card'],
      },
      { returnvalue: null, job: { name: 'send', omitted: ['data'] } },
      { job: { name: 'send', data: {} }, omitted: ['returnvalue.card'] },
      { job: { name: 'send', data: {} }, omitted: ['failedReason'] },
    ]);
    expect(JSON.stringify(stack.bus.accepted) + stack.log.join()).not.toContain('5EC12E7');
  });
});
