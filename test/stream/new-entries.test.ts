import { describe, expect, onTestFinished, test } from 'vitest';
import { connectRedis } from '../../functions/redis/connect.ts';
import { createPatientConnection } from '../../functions/redis/patient.ts';
import type { Command } from '../../functions/redis/port.ts';
import { awaitNewEntries, queuesWithNewEntries } from '../../functions/stream/new-entries.ts';
import { beginning } from '../../functions/stream/position.ts';
import { adminRedis, ownPrefix, runConnection } from '../redis.ts';
import { startCluster } from '../redis-cluster.ts';
import { testWith } from '../test-with.ts';

const MIB = 1024 * 1024;
const cursorsOf = (queues: readonly string[]) =>
  queues.map((queue) => ({ queue, position: beginning(0), anchors: [] }));

async function world() {
  const [prefix, admin, connection] = [ownPrefix(), adminRedis(), await runConnection()];
  const sent: Command[] = [];
  const watched: typeof connection = {
    ...connection,
    send(commands, limits) {
      sent.push(...commands);
      return connection.send(commands, limits);
    },
  };
  const add = (queue: string, bytes = 1) =>
    admin.xadd(`${prefix}:${queue}:events`, '*', 'event', 'completed', 'returnvalue', 'x'.repeat(bytes));
  return { prefix, admin, connection: watched, sent, add };
}

describe('queues with new entries', () => {
  test('are found by one command for all of them', async () => {
    const { prefix, connection, sent, add } = await world();
    for (const queue of ['a', 'c']) await add(queue);
    const queues = ['a', 'b', 'c', ...Array.from({ length: 900 }, (_, n) => `idle ${n}`)];

    expect(await queuesWithNewEntries(connection, cursorsOf(queues), prefix)).toEqual(['a', 'c']);
    expect(sent).toHaveLength(1);
    expect(await queuesWithNewEntries(connection, [], prefix)).toEqual([]);
  });

  test('are found behind their positions, and in thousands', async () => {
    const { prefix, connection, sent, add } = await world();
    const id = (await add('read')) as string;
    await add('unread');
    const read = { queue: 'read', position: { kind: 'entry', id, digest: 'x' } as const, anchors: [] };
    const idle = Array.from({ length: 2500 }, (_, n) => `idle ${n}`);

    expect(await queuesWithNewEntries(connection, [read, ...cursorsOf([...idle, 'unread'])], prefix)).toEqual([
      'unread',
    ]);
    expect(sent).toHaveLength(3);
  });

  test('are found next to a key of another type, which counts as one of them', async () => {
    const { prefix, admin, connection, add } = await world();
    await add('a');
    await admin.set(`${prefix}:odd:events`, 'text');

    expect(await queuesWithNewEntries(connection, cursorsOf(['odd', 'a', 'b']), prefix)).toEqual(['odd', 'a']);
  });

  testWith('native server')(
    'are found on a cluster by commands for one hash slot each, also in the first command',
    async () => {
      await using cluster = await startCluster();
      const queues = ['a', 'b', 'c', 'd'];
      await cluster.client.xadd('bull:b:events', '*', 'event', 'completed');
      const [{ url }] = cluster.masters as [(typeof cluster.masters)[0]];
      const options = { wait: async () => {}, signal: new AbortController().signal, warn: () => {} };
      const redis = createPatientConnection(() => connectRedis({ url }), options);
      onTestFinished(() => redis.close());

      expect(await queuesWithNewEntries(redis, cursorsOf(queues), 'bull')).toEqual(['b']);
      for (const { admin } of cluster.masters) expect(await admin.info('errorstats')).not.toContain('CROSSSLOT');
    },
  );

  test('are found whatever the size of their entries', async () => {
    const { prefix, admin, connection, add } = await world();
    const queues = ['a', 'b', 'c', 'd', 'silent'];
    for (const queue of queues.slice(0, -1)) await add(queue, 4 * MIB);

    expect(await queuesWithNewEntries(connection, cursorsOf(queues), prefix)).toEqual(queues.slice(0, -1));
    expect(await awaitNewEntries(connection, cursorsOf(queues), prefix)).toEqual({ queues: queues.slice(0, -1) });
    expect(await awaitNewEntries(connection, cursorsOf(queues.slice(0, 2)), prefix)).toEqual({ queues: ['a', 'b'] });
    await admin.unlink(queues.map((queue) => `${prefix}:${queue}:events`));
  });
});
