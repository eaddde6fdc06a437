import { expect, test } from 'vitest';
import { LEASE_MS } from '../../functions/checkpoint/lease.ts';
import { type Around, createWorld } from './world.ts';

test('a run that lost its lease does not report entries as lost that another run has forwarded', async () => {
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

test('a run continues if another run that lost its lease saves a position late', async () => {
  const world = await createWorld({ sweepSize: 2 });
  const add = async (count: number) => {
    for (let n = 0; n < count; n += 1) await world.admin.xadd(world.key('q'), '*', 'event', 'completed', 'jobId', n);
  };
  await add(2);
  await world.run();
  await add(2);
  /** Holds back the first saving of a position. */
  const holdSaving = () => {
    const reached = Promise.withResolvers<void>();
    const letGo = Promise.withResolvers<void>();
    const around: Around = async (call, row) => {
      if (row?.endsWith(' position')) {
        reached.resolve();
        await letGo.promise;
      }
      return call();
    };
    return { around, reached: reached.promise, letGo: letGo.resolve };
  };
  const [first, second] = [holdSaving(), holdSaving()];
  const zombie = world.run({ around: first.around });
  await first.reached;
  world.advance(LEASE_MS + 1);
  await add(5);
  const successor = world.run({ around: second.around });
  await second.reached;
  first.letGo();
  await zombie;
  second.letGo();

  expect(await successor).toMatchObject({ superseded: false, caughtUp: true, incidents: 0, warnings: [] });

  expect(new Set(world.bus.accepted.map(({ detail }) => detail['id'])).size).toBe(9);
  const count = world.bus.accepted.length;
  await world.run();
  expect(world.bus.accepted).toHaveLength(count);
});
