import { expect, test } from 'vitest';
import { type GapStack, gapStack, HOUR, NOW } from './gaps.ts';

const jobIds = (stack: GapStack) => stack.recovered().map(({ jobId }) => jobId);

async function append({ admin, prefix }: GapStack, entries: readonly (readonly [id: string, ...fields: string[]])[]) {
  const pipeline = admin.pipeline();
  for (const [id, ...fields] of entries) pipeline.xadd(`${prefix}:q:events`, id, ...fields);
  await pipeline.exec();
}

test('events that are still in the stream behind a gap are not recovered, however far behind and whatever their size', async () => {
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
  await append(stack, [[`${NOW + HOUR}-0`, 'event', 'completed', 'jobId', 'late']]);
  await stack.finish('completed', [{ id: 'late', at: NOW - 10_000 }]);

  expect(await stack.reconcile.invoke()).toMatchObject({ gaps: 1, completed: 1 });
  expect(jobIds(stack)).toEqual(['lost']);
  expect(stack.reconcile.usage.maxMemory).toBeLessThan(256 * 1024 * 1024);
});

test('only an event of the same job and the same outcome shows that an event was not lost', async () => {
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

test('an event that its worker sent again after an outage is not published a second time', async () => {
  const stack = await gapStack();
  await stack.open({ beforeId: `${NOW}-0` });
  await stack.finish('completed', [
    { id: 'sent again', at: NOW - 10_000 },
    { id: 'lost', at: NOW - 10_000 },
  ]);
  await append(stack, [[`${NOW + 600_000}-0`, 'event', 'completed', 'jobId', 'sent again']]);

  expect(await stack.reconcile.invoke()).toMatchObject({ completed: 1 });
  expect(jobIds(stack)).toEqual(['lost']);
});

test('a gap at the beginning of a stream begins where bullbridge began', async () => {
  const stack = await gapStack();
  await stack.finish('completed', [
    { id: 'years ago', at: NOW - 365 * 24 * HOUR },
    { id: 'since', at: NOW + 1 },
  ]);
  await stack.open({ afterId: '0-0', beforeId: `${NOW + HOUR}-0`, since: NOW });

  expect(await stack.reconcile.invoke()).toMatchObject({ completed: 1 });
  expect(jobIds(stack)).toEqual(['since']);
});

test('a gap of a queue that came later begins where its source began', async () => {
  const stack = await gapStack();
  await stack.forward.invoke({});
  const now = Date.now();
  await stack.finish('completed', [
    { id: 'years ago', at: NOW - 365 * 24 * HOUR },
    { id: 'since', at: now },
  ]);
  await stack.open({ afterId: '0-0', beforeId: `${now + HOUR}-0` });

  expect(await stack.reconcile.invoke()).toMatchObject({ completed: 1 });
  expect(jobIds(stack)).toEqual(['since']);
});
