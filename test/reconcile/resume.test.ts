import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, onTestFinished, test } from 'vitest';
import { takeLease } from '../../functions/checkpoint/lease.ts';
import { localClient } from '../../local/dynamodb.ts';
import { repetitions } from '../effort.ts';
import { type GapStack, gapStack, LEASE, NOW } from './gaps.ts';

const jobIds = (stack: GapStack) => stack.recovered().map(({ jobId }) => jobId);
const jobs = (count: number, first = 0) =>
  Array.from({ length: count }, (_, n) => ({ id: `j${first + n}`, at: NOW + Math.floor(n / 7) }));

test('a recovery that is killed repeatedly loses nothing, and repeats at most the current page', async () => {
  const stack = await gapStack();
  const kills = repetitions(10, 3);
  const [completed, failed, unknown] = [300 * kills, 100 * kills, 600 * kills];
  await stack.open({ lost: completed + failed + unknown });
  await stack.finish('completed', jobs(completed));
  await stack.finish('failed', jobs(failed, completed));
  for (let kill = 1; kill <= kills; kill += 1) {
    const before = stack.bus.counts.entries;
    const running = stack.reconcile.invoke().catch((error: Error) => error.name);
    // Somewhere in a page, another place each time: between requests, or around the saving of progress.
    await expect.poll(() => stack.bus.counts.entries, { interval: 1 }).toBeGreaterThan(before + ((kill * 67) % 500));
    stack.reconcile.kill();
    expect(await running).toBe('Runtime.ExitError');
    await stack.expireLease(LEASE);
  }

  expect(await stack.reconcile.invoke()).toMatchObject({ gaps: 1, unknown, caughtUp: true });

  const arrived = jobIds(stack);
  const recovered = completed + failed;
  expect(new Set(arrived).size).toBe(recovered);
  expect(arrived.length - recovered).toBeGreaterThan(0);
  expect(arrived.length - recovered).toBeLessThanOrEqual(kills * 500);
  expect(stack.news('Events Recovered')).toMatchObject([{ completed, failed, unknown }]);
  expect(new Set(stack.recovered().map(({ id }) => id)).size).toBe(recovered);
});

describe('a run whose deadline comes', () => {
  test('ends after the current page, and the next run continues behind it', async () => {
    const stack = await gapStack();
    await stack.open({ lost: 2000 });
    await stack.finish('completed', jobs(700));
    await stack.finish('failed', jobs(300, 700));

    const runs = [];
    for (let run = 0; run < 3; run += 1) {
      const { completed, failed, openGaps, caughtUp } = await stack.runOnce();
      runs.push({ completed, failed, openGaps, caughtUp });
    }

    expect(runs).toEqual([
      { completed: 500, failed: 0, openGaps: 1, caughtUp: false },
      { completed: 200, failed: 0, openGaps: 1, caughtUp: false },
      { completed: 0, failed: 300, openGaps: 1, caughtUp: false },
    ]);
    expect(await stack.runOnce()).toMatchObject({
      closed: [{ queue: 'q', lost: 2000, recovery: { completed: 700, failed: 300, unknown: 1000 } }],
      openGaps: 0,
      caughtUp: true,
    });
    expect(jobIds(stack)).toHaveLength(1000);
    expect(new Set(jobIds(stack)).size).toBe(1000);
  });

  test('leaves gaps for which it had no time to the next run', async () => {
    const stack = await gapStack();
    await stack.open({ queue: 'a' });
    await stack.open({ queue: 'b' });
    await stack.finish('completed', jobs(2), 'b');

    expect(await stack.runOnce()).toMatchObject({ closed: [{ queue: 'a' }], openGaps: 1, caughtUp: false });
    expect(await stack.reconcile.invoke()).toMatchObject({ gaps: 1, completed: 2, caughtUp: true });
  });
});

test('a run whose lease another run took ends after the current page', async () => {
  const stack = await gapStack();
  await stack.open();
  await stack.finish('completed', jobs(1200));
  const client = localClient(stack.tableUrl);
  onTestFinished(() => client.destroy());
  const renewal = Promise.withResolvers<void>();
  const lost = Promise.withResolvers<void>();

  const report = await stack.runOnce({
    drains: false,
    wait: () => renewal.promise,
    afterRefusal: lost.resolve,
    beforePublish: async () => {
      await stack.expireLease(LEASE);
      const table = { client, table: stack.table, now: () => new Date() };
      await takeLease(table, `default/${stack.prefix}/${LEASE}`, 'another run');
      renewal.resolve();
      await lost.promise;
    },
  });

  expect(report).toMatchObject({ completed: 500, closed: [], openGaps: 1, caughtUp: false });
  expect(report.warnings[0]).toContain('the lease was taken by another run');
});

test('a crash between Events Recovered and the closing of a gap sends the same event again', async () => {
  const stack = await gapStack();
  await stack.open();
  const crash = (command: unknown) => {
    const isClosing =
      command instanceof UpdateItemCommand &&
      Object.values(command.input.ExpressionAttributeValues ?? {}).some(({ S }) => S === 'closed');
    if (isClosing) throw new Error('crashed');
  };

  await expect(stack.runOnce({ beforeWrite: crash })).rejects.toThrow('crashed');
  expect(await stack.openGaps()).toHaveLength(1);
  await stack.runOnce();

  const [first, second, ...more] = stack.news('Events Recovered');
  expect(first).toEqual(second);
  expect(more).toEqual([]);
  expect(await stack.openGaps()).toEqual([]);
});

test('a gap that grows while it is recovered is recovered again, with its new bounds', async () => {
  const stack = await gapStack();
  await stack.open({ beforeId: `${NOW}-0` });
  await stack.finish('completed', [
    { id: 'old', at: NOW - 5000 },
    { id: 'new', at: NOW + 5000 },
  ]);

  const first = await stack.runOnce({ beforePublish: () => stack.open({ lost: 200 }) });
  const second = await stack.reconcile.invoke();

  expect(first).toMatchObject({ completed: 1, closed: [], openGaps: 1, caughtUp: false });
  expect(second).toEqual({ gaps: 1, completed: 2, failed: 0, unknown: 198, caughtUp: true });
  expect(jobIds(stack)).toEqual(['old', 'old', 'new']);
});
