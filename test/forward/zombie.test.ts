import { expect, test } from 'vitest';
import { LEASE_MS } from '../../functions/checkpoint/lease.ts';
import { type Around, createWorld } from './world.ts';

test('a run that lost its lease does not take for lost what another run has forwarded', async () => {
  const world = await createWorld();
  const add = async (count: number) => {
    for (let n = 0; n < count; n += 1) await world.admin.xadd(world.key('q'), '*', 'event', 'completed', 'jobId', n);
  };
  await add(3);
  await world.run();
  await add(5);
  const reached = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  let calls = 0;
  // Its first three calls take the lease, connect to Redis and load the position.
  const hold: Around = async (call) => {
    calls += 1;
    if (calls > 3) {
      reached.resolve();
      await letGo.promise;
    }
    return call();
  };
  const zombie = world.run({ around: hold });
  await reached.promise;
  world.advance(LEASE_MS + 1);
  await world.run();
  await world.admin.xtrim(world.key('q'), 'MAXLEN', 0);
  letGo.resolve();

  expect((await zombie).warnings.join()).toContain('the lease was taken');

  expect(world.bus.accepted.map(({ Source }) => Source)).toEqual(Array(8).fill('bullmq'));
});
