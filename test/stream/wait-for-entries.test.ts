import { expect, test } from 'vitest';
import { awaitRing } from '../../functions/stream/wait-for-entries.ts';
import { adminRedis, ownPrefix, runConnection } from '../redis.ts';

const MIB = 1024 * 1024;

test('entries that are too large together are not waited for: any queue may have one', async () => {
  const [prefix, admin] = [ownPrefix(), adminRedis()];
  const queues = ['a', 'b', 'c', 'd', 'silent'];
  for (const queue of queues.slice(0, -1))
    await admin.xadd(`${prefix}:${queue}:events`, '*', 'event', 'completed', 'returnvalue', 'x'.repeat(4 * MIB));
  const cursors = queues.map((queue) => ({ queue, position: undefined, anchors: [] }));
  const connection = await runConnection();

  expect(await awaitRing(connection, cursors, prefix)).toEqual({ queues });

  expect(await awaitRing(connection, cursors.slice(0, 2), prefix)).toEqual({ queues: ['a', 'b'] });
  await admin.unlink(queues.map((queue) => `${prefix}:${queue}:events`));
});
