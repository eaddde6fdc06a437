import type { Redis } from 'ioredis';
import { describe, expect } from 'vitest';
import { compareIds, idTime } from '../../functions/stream/id.ts';
import { ownServer, startReplica } from '../replicas.ts';
import { testWith } from '../test-with.ts';
import { add, arrived, expectIncident, expectNone, upTo } from './incidents.ts';
import { createWorld, type World } from './world.ts';

describe('a failover to a replica', () => {
  /** A primary whose events up to 200 have been replicated; up to 250 were read, and the last of them may not be there. */
  async function failOver(world: World, { lag, secondsBehind }: { lag: number; secondsBehind: number }) {
    const primary = await ownServer(['--repl-diskless-sync-delay', '0']);
    const replica = await startReplica(primary, { secondsBehind });
    const readPrimary = () => world.run({ redisUrl: primary.url });
    await add(primary.admin, world, 1, 200);
    await readPrimary();
    await add(primary.admin, world, 201, 50 - lag);
    await replica.waitFor();
    await replica.promote();
    await add(primary.admin, world, 251 - lag, lag);
    await readPrimary();
    expect(arrived(world)).toEqual(upTo(1, 250));
    await expectNone(world);
    const { position } = (await world.checkpoint('q')) ?? {};
    return { replica, position, readReplica: () => world.run({ redisUrl: replica.url }) };
  }

  const lastId = async (admin: Redis, world: World) =>
    (await admin.xrevrange(world.key('q'), '+', '-', 'COUNT', 1))[0]?.[0] ?? '';

  testWith('native server')('that has all entries is not an incident', async () => {
    const world = await createWorld();
    const { replica, readReplica } = await failOver(world, { lag: 0, secondsBehind: 0 });
    await add(replica.admin, world, 251, 80);
    await readReplica();

    await expectNone(world);
    expect(arrived(world)).toEqual(upTo(1, 330));
  });

  testWith('native server')('that lags is a roll-back, and all its later entries arrive', async () => {
    const world = await createWorld();
    const { replica, position, readReplica } = await failOver(world, { lag: 50, secondsBehind: 0 });
    await add(replica.admin, world, 1001, 80);
    await readReplica();

    await expectIncident(world, { reason: 'rolled-back', lost: 0, exact: false, afterId: position?.id ?? '' });
    // From the newest position that is still there: nothing before it comes again.
    expect(arrived(world)).toEqual([...upTo(1, 250), ...upTo(1001, 1080)]);
  });

  testWith('native server')('that lags and has received nothing yet is also a roll-back', async () => {
    const world = await createWorld();
    const { replica, readReplica } = await failOver(world, { lag: 50, secondsBehind: 0 });
    await readReplica();
    await add(replica.admin, world, 1001, 80);
    await readReplica();

    await expectIncident(world, { reason: 'rolled-back', lost: 0, exact: false });
    expect(arrived(world)).toEqual([...upTo(1, 250), ...upTo(1001, 1080)]);
  });

  testWith('native server', 'faketime')(
    'whose clock is 10 s behind, but has all entries, is not an incident',
    async () => {
      const world = await createWorld();
      const { replica, position, readReplica } = await failOver(world, { lag: 0, secondsBehind: 10 });
      await add(replica.admin, world, 251, 80);
      expect(idTime(await lastId(replica.admin, world))).toBe(idTime(position?.id ?? ''));
      await readReplica();

      await expectNone(world);
      expect(arrived(world)).toEqual(upTo(1, 330));
    },
  );

  testWith('native server', 'faketime')(
    'that lags and whose clock is 10 s behind is a roll-back, and its events with ids below the position arrive',
    async () => {
      const world = await createWorld();
      const { replica, position, readReplica } = await failOver(world, { lag: 50, secondsBehind: 10 });
      await add(replica.admin, world, 1001, 80);
      expect(compareIds(await lastId(replica.admin, world), position?.id ?? '')).toBeLessThan(0);
      await readReplica();
      await add(replica.admin, world, 1081, 20);
      await readReplica();

      await expectIncident(world, { reason: 'rolled-back', lost: 0, exact: false, afterId: position?.id ?? '' });
      expect(arrived(world)).toEqual([...upTo(1, 250), ...upTo(1001, 1100)]);
    },
  );

  testWith('native server', 'faketime')(
    'that lags and whose clock was 10 s behind is also a roll-back after the clock has passed the position',
    async () => {
      const world = await createWorld();
      const { replica, position, readReplica } = await failOver(world, { lag: 50, secondsBehind: 10 });
      await add(replica.admin, world, 1001, 80);
      expect(compareIds(await lastId(replica.admin, world), position?.id ?? '')).toBeLessThan(0);
      await replica.correctClock();
      await add(replica.admin, world, 1081, 20);
      expect(compareIds(await lastId(replica.admin, world), position?.id ?? '')).toBeGreaterThan(0);
      await readReplica();

      await expectIncident(world, { reason: 'rolled-back', lost: 0, exact: false, afterId: position?.id ?? '' });
      expect(arrived(world)).toEqual([...upTo(1, 250), ...upTo(1001, 1100)]);
    },
  );
});
