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

/** Two runs of a queue with so many entries: the first lost its lease, and both hold back their first saving. */
async function twoRuns(entries: number) {
  const world = await createWorld({ sweepSize: 2 });
  const add = async (count: number) => {
    for (let n = 0; n < count; n += 1) await world.admin.xadd(world.key('q'), '*', 'event', 'completed', 'jobId', n);
  };
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
  await add(2);
  await world.run();
  await add(entries);
  const [first, second] = [holdSaving(), holdSaving()];
  const zombie = world.run({ around: first.around });
  await first.reached;
  world.advance(LEASE_MS + 1);
  const successor = world.run({ around: second.around });
  await second.reached;
  return { world, add, zombie, successor, continueZombie: first.letGo, continueSuccessor: second.letGo };
}

test('a run continues if another run that lost its lease saves a position late', async () => {
  const { world, add, zombie, successor, continueZombie, continueSuccessor } = await twoRuns(2);
  continueZombie();
  await zombie;
  // Only now: the first run could read them, too.
  await add(5);
  continueSuccessor();

  expect(await successor).toMatchObject({ superseded: false, incidents: 0, warnings: [] });
  await world.run();

  const ids = world.bus.accepted.map(({ detail }) => detail['id']);
  expect(new Set(ids).size).toBe(9);
  expect(ids).toHaveLength(9 + 2);
});

test('a run does not move a position back that the other run has moved further: its duplicates are bounded', async () => {
  const { world, zombie, successor, continueZombie, continueSuccessor } = await twoRuns(45);
  continueZombie();
  await zombie;
  continueSuccessor();
  await successor;
  await world.run();

  const ids = world.bus.accepted.map(({ detail }) => detail['id']);
  expect(new Set(ids).size).toBe(47);
  // Two sweeps of each run.
  expect(ids.length - 47).toBeLessThanOrEqual(2 * 2 * 2);
});
