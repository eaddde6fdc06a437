import { expect, test } from 'vitest';
import { type GapStack, gapStack, NOW } from './gaps.ts';

const jobIds = (stack: GapStack) => stack.recovered().map(({ jobId }) => jobId);

async function append({ admin, prefix }: GapStack, entries: readonly (readonly [id: string, ...fields: string[]])[]) {
  const pipeline = admin.pipeline();
  for (const [id, ...fields] of entries) pipeline.xadd(`${prefix}:q:events`, id, ...fields);
  await pipeline.exec();
}

test('events that are still in the stream behind a gap are not told again, however far behind and whatever their size', async () => {
  const stack = await gapStack();
  await stack.open({ beforeId: `${NOW}-5` });
  const there = Array.from({ length: 2500 }, (_, n) => ({ id: `there${n}`, at: NOW + (n % 2000) }));
  await stack.finish('completed', [...there, { id: 'lost', at: NOW }]);
  await append(stack, [
    [`${NOW}-5`, 'event', 'progress', 'data', 'x'.repeat(15_000_000)],
    ...there.map(
      ({ id }, n) => [`${NOW + 2 * n}-9`, 'event', 'completed', 'jobId', id, 'returnvalue', 'null'] as const,
    ),
  ]);
  await stack.admin.xadd(`${stack.prefix}:q:events`, `${NOW + 60_000}-0`, 'event', 'completed', 'jobId', 'lost');

  // The clock of a worker is behind that of Redis by two seconds at the most: what came later is of another time.
  const late = there.filter((_, n) => 2 * n > 4000).length;
  expect(await stack.reconcile.invoke()).toMatchObject({ gaps: 1, completed: 1 + late });
  expect(jobIds(stack)).toContain('lost');
  expect(stack.reconcile.usage.maxMemory).toBeLessThan(256 * 1024 * 1024);
});

test('only an event of the same job and the same outcome shows that one was not lost', async () => {
  const stack = await gapStack();
  await stack.open({ beforeId: `${NOW}-0` });
  await stack.finish(
    'completed',
    ['a', 'b', 'c', 'd'].map((id) => ({ id, at: NOW })),
  );
  await stack.finish('failed', [{ id: 'e', at: NOW }]);
  await append(stack, [
    [`${NOW}-0`, 'event', 'failed', 'jobId', 'a'],
    [`${NOW}-1`, 'event', 'active', 'jobId', 'b'],
    [`${NOW}-2`, 'event', 'completed'],
    [`${NOW}-3`, 'event', 'completed', 'returnvalue', 'jobId', 'name', 'c'],
    [`${NOW}-4`, 'event', 'completed', 'jobId', 'd'],
    [`${NOW}-5`, 'event', 'failed', 'jobId', 'e'],
  ]);

  await stack.reconcile.invoke();

  expect(jobIds(stack)).toEqual(['a', 'b', 'c']);
});

test('an event in the stream behind a gap shows nothing of jobs that finished well before its end', async () => {
  const stack = await gapStack();
  await stack.open({ beforeId: `${NOW}-0` });
  await stack.finish('completed', [{ id: 'again', at: NOW - 10_000 }]);
  await append(stack, [[`${NOW + 1}-0`, 'event', 'completed', 'jobId', 'again']]);

  expect(await stack.reconcile.invoke()).toMatchObject({ completed: 1 });
});
