import { describe, expect } from 'vitest';
import { createDiscovery } from '../../functions/stream/discovery.ts';
import { runConnection } from '../redis.ts';
import { ownServer } from '../replicas.ts';
import { testWith } from '../test-with.ts';

const test = testWith('native server');
const never = new AbortController().signal;

/** A server with a number of jobs and three queues, and what a container looks for them with, some keys in a run. */
async function containerBeside({ jobs, maxKeys }: { jobs: number; maxKeys?: number }) {
  const { admin, url } = await ownServer();
  await admin.eval("for n = 1, ARGV[1] do redis.call('SET', 'bull:a:' .. n, '') end", 0, jobs);
  const add = (queue: string) => admin.xadd(`bull:${queue}:events`, '*', 'event', 'drained');
  for (const queue of ['a', 'b', 'c']) await add(queue);
  const connection = await runConnection(url);
  const discover = createDiscovery('bull', maxKeys);
  return {
    admin,
    add,
    look: (signal = never) => discover(connection, signal),
    /** How many steps of `SCAN` a look takes. */
    async steps(look: () => Promise<unknown>) {
      await admin.config('RESETSTAT');
      await look();
      return Number(/cmdstat_scan:calls=(\d+)/.exec(await admin.info('commandstats'))?.[1]);
    },
  };
}

describe('a container', () => {
  test('scans all keys in its first round, and a limited number in each later run', async () => {
    const { look, steps } = await containerBeside({ jobs: 450_000 });

    expect(await steps(look)).toBeGreaterThanOrEqual(440);
    expect(await steps(look)).toBe(200);
    expect(await look()).toEqual({ queues: ['a', 'b', 'c'], isWhole: true, vanished: [] });
  });

  test('finds a new queue within a round', async () => {
    const { look, add } = await containerBeside({ jobs: 20_000, maxKeys: 5000 });
    await look();

    await add('d');
    for (let run = 0; run < 5; run += 1) await look();

    expect(await look()).toEqual({ queues: ['a', 'b', 'c', 'd'], isWhole: true, vanished: [] });
  });

  test('finds a new queue in the next run if there are few keys', async () => {
    const { look, add } = await containerBeside({ jobs: 1000, maxKeys: 5000 });
    await look();

    await add('d');

    expect(await look()).toEqual({ queues: ['a', 'b', 'c', 'd'], isWhole: true, vanished: [] });
  });

  test('forgets a queue that two rounds in a row did not find', async () => {
    const { look, admin } = await containerBeside({ jobs: 1000 });
    await look();

    await admin.unlink('bull:b:events');

    expect(await look()).toMatchObject({ queues: ['a', 'b', 'c'] });
    expect(await look()).toMatchObject({ queues: ['a', 'c'] });
  });

  test('continues a first round that the deadline has cut, until it is complete', async () => {
    const { look, steps } = await containerBeside({ jobs: 20_000, maxKeys: 1000 });
    const all = await steps(() => look());
    const fresh = await containerBeside({ jobs: 20_000, maxKeys: 1000 });
    let questions = 0;
    const afterThreeSteps = {
      get aborted() {
        questions += 1;
        return questions > 3;
      },
    } as AbortSignal;

    expect(await fresh.look(afterThreeSteps)).toMatchObject({ isWhole: false });
    expect(await fresh.steps(() => fresh.look())).toBeLessThanOrEqual(all - 2);
    expect(await fresh.look()).toEqual({ queues: ['a', 'b', 'c'], isWhole: true, vanished: [] });
  });

  test('starts a new round after a failed scan, and keeps the known queues', async () => {
    const { admin, url } = await ownServer();
    await admin.xadd('bull:a:events', '*', 'event', 'drained');
    const discover = createDiscovery('bull');
    await discover(await runConnection(url), never);
    const refused = await runConnection(url);
    refused.close();

    await expect(discover(refused, never)).rejects.toMatchObject({ code: 'REDIS_CLOSED' });

    expect(await discover(await runConnection(url), never)).toEqual({ queues: ['a'], isWhole: true, vanished: [] });
  });
});
