import { describe, expect, test } from 'vitest';
import { createWorld } from '../forward/world.ts';
import { reconcile } from '../model/steps.ts';

/** Names at both sides of what fits into the keys of DynamoDB, 1,024 and 2,048 bytes, and of characters that take several. */
const QUEUES = ['q', 'a'.repeat(1000), 'b'.repeat(1100), 'c'.repeat(2100), '語'.repeat(700), '👾'.repeat(520)];

describe('queues with very long names', () => {
  test('are forwarded, their losses are counted and recovered, and other queues do not fail', async () => {
    const world = await createWorld({ queues: QUEUES });
    const write = async (entries: number, kept: number) => {
      for (const queue of QUEUES) {
        for (let n = 0; n < entries; n += 1) await world.admin.xadd(world.key(queue), '*', 'event', 'completed');
        await world.admin.xtrim(world.key(queue), 'MAXLEN', kept);
      }
    };
    await write(3, 3);
    await world.run();
    await write(5, 2);

    const { counts, caughtUp } = await world.run();

    expect(Object.fromEntries(counts)).toEqual(
      Object.fromEntries(QUEUES.map((queue) => [queue, { published: 2, filtered: 0, parked: 0, lost: 3 }])),
    );
    expect(caughtUp).toBe(true);
    expect((await world.gaps()).map(({ queue }) => queue).sort()).toEqual([...QUEUES].sort());
    expect(await reconcile(world)).toMatchObject({ caughtUp: true, openGaps: 0 });
    expect((await world.run()).counts.size).toBe(0);
  });
});
