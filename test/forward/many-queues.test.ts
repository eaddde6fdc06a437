import { describe, expect, test } from 'vitest';
import { type Around, createWorld, type World } from './world.ts';

const QUEUES = Array.from({ length: 300 }, (_, n) => `q${n}`);

/** A run over 300 queues, with three entries in the first `busy` of them. */
async function worldOf(busy: number) {
  const world = await createWorld({ queues: QUEUES });
  const pipeline = world.admin.pipeline();
  for (const queue of QUEUES.slice(0, busy))
    for (let n = 0; n < 3; n += 1) pipeline.xadd(world.key(queue), '*', 'event', 'completed', 'jobId', n);
  await pipeline.exec();
  return world;
}

const TAKE = 'UpdateItemCommand';
const LOAD = Array(3).fill('BatchGetItemCommand');
const RELEASE = 'UpdateItemCommand';

describe('many queues', () => {
  test('that are idle cost the lease and reading their positions, and no other write', async () => {
    const world = await worldOf(QUEUES.length);
    await world.run();
    const before = world.tableCalls.length;

    await world.run();

    expect(world.tableCalls.slice(before)).toEqual([TAKE, ...LOAD, RELEASE]);
  });

  test('that were never written to cost one write each, when they are first named', async () => {
    const world = await worldOf(0);
    await world.run();
    const before = world.tableCalls.length;

    expect(await world.run()).toMatchObject({ queues: QUEUES.length, caughtUp: true });

    expect(before).toBe(2 + LOAD.length + QUEUES.length);
    expect(world.tableCalls.slice(before)).toEqual([TAKE, ...LOAD, RELEASE]);
  });

  test('are not caught up while some may not be known', async () => {
    const world = await worldOf(3);
    const discoverQueues = async () => ({ queues: QUEUES.slice(0, 3), isWhole: false });
    const container = { ...world.warm, discoverQueues };

    expect(await world.run({ settings: { queues: '*' }, container })).toMatchObject({
      queues: 3,
      caughtUp: false,
    });

    expect(world.bus.accepted).toHaveLength(9);
  });

  test('write only the positions that moved, and share requests', async () => {
    const world = await worldOf(40);

    await world.run();

    expect(world.tableCalls).toHaveLength(2 + LOAD.length + QUEUES.length + 40);
    expect(world.bus.accepted).toHaveLength(120);
    expect(world.bus.requests).toHaveLength(12);
  });
});

describe('a warm container', () => {
  /** Two runs in one container, with what happens between them; the calls of the second. */
  async function secondRun(between: (world: World) => unknown = () => {}, around?: Around) {
    const world = await worldOf(2);
    await world.run({ container: world.warm, ...(around && { around }) }).catch(() => {});
    await between(world);
    const before = world.tableCalls.length;
    await world.run({ container: world.warm });
    return world.tableCalls.slice(before);
  }

  test('keeps the positions, so that idle queues cost only the lease', async () => {
    expect(await secondRun()).toEqual([TAKE, RELEASE]);
  });

  test('moves them from there', async () => {
    const calls = await secondRun((world) => world.admin.xadd(world.key('q1'), '*', 'event', 'completed'));

    expect(calls).toEqual([TAKE, 'UpdateItemCommand', RELEASE]);
  });

  test.each<[string, (world: World) => unknown]>([
    ['another container has run', (world) => world.run()],
    ['two intervals have passed', (world) => world.advance(120_001)],
  ])('loads them again if %s', async (_, between) => {
    expect(await secondRun(between)).toEqual([TAKE, ...LOAD, RELEASE]);
  });

  test('loads them again after a failed run', async () => {
    let positions = 0;
    const failing: Around = (call, row) => {
      if (!row?.endsWith('position')) return call();
      positions += 1;
      return positions > QUEUES.length ? Promise.reject(new Error('down')) : call();
    };

    expect(await secondRun(undefined, failing)).toEqual([
      TAKE,
      ...LOAD,
      ...Array(2).fill('UpdateItemCommand'),
      RELEASE,
    ]);
  });
});
