import { describe, expect, test } from 'vitest';
import { createWorld } from './world.ts';

const warningOf = (queue: string) => expect.stringContaining(`There is no queue "${queue}" under the prefix`);

describe('a queue that is likely misspelt causes a warning in each run:', () => {
  test('a named queue that has neither a stream nor settings', async () => {
    const world = await createWorld({ queues: ['emails', 'emials', 'new', 'custom'] });
    await world.admin.xadd(world.key('emails'), '*', 'event', 'completed');
    await world.admin.hset(`${world.settings.prefix}:new:meta`, 'version', 'bullmq:6.7.0');
    await world.admin.hset(`${world.settings.prefix}:custom:meta`, 'opts.maxLenEvents', '1000');

    for (const container of [undefined, world.warm, world.warm]) {
      const report = await world.run({ ...(container && { container }) });
      expect(report).toMatchObject({ caughtUp: true, missing: ['emials'], warnings: [warningOf('emials')] });
    }
  });

  test('until it exists, and not if its stream was deleted after it was read', async () => {
    const world = await createWorld({ queues: ['late'] });
    expect((await world.run()).missing).toEqual(['late']);
    await world.admin.xadd(world.key('late'), '*', 'event', 'completed');
    expect(await world.run()).toMatchObject({ missing: [], warnings: [] });
    await world.admin.xtrim(world.key('late'), 'MAXLEN', 0);

    expect(await world.run()).toMatchObject({ missing: [], warnings: [] });
  });

  test('a prefix without queues', async () => {
    const world = await createWorld({ queues: '*' });

    expect((await world.run()).warnings).toEqual([`No queue was found under the prefix "${world.settings.prefix}".`]);
  });
});

test('queues are looked for before the lease is taken, so that a long scan does not keep other runs from reading', async () => {
  const world = await createWorld({ queues: '*' });
  await world.admin.xadd(world.key('q'), '*', 'event', 'completed');
  const discoverQueues: typeof world.warm.discoverQueues = async (redis, signal) => {
    expect(world.tableCalls).toEqual([]);
    return world.warm.discoverQueues(redis, signal);
  };

  await world.run({ container: { ...world.warm, discoverQueues } });

  expect(world.bus.accepted).toHaveLength(1);
});
