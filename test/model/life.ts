import { expect } from 'vitest';
import type { ForwardSettings } from '../../functions/forward/settings.ts';
import { createWorld, type Parts, type World } from '../forward/world.ts';
import { play } from './faults.ts';
import { createHistory, EVENTS, type History } from './history.ts';
import { reconcile, type Step, SWEEP_SIZE, take } from './steps.ts';

/** A minute, so that no lease and no skew of clocks is left. */
const LATER = 60_000;

/**
 * How the queue becomes known: it is named, found after all keys were looked at, or read by a server that did not count
 * yet.
 */
export type Origin = 'named' | 'found' | 'uncounted';

const SETTINGS: Readonly<Record<Origin, Partial<ForwardSettings>>> = {
  named: {},
  found: { queues: '*', startFrom: { default: 'now', queues: new Map() } },
  uncounted: {},
};

/** Lives through steps, then forwards and recovers all that is left, and holds the outcome against the truth. */
export async function live(steps: readonly Step[], parts?: Parts, origin: Origin = 'named'): Promise<void> {
  const world = await createWorld({ sweepSize: SWEEP_SIZE, events: EVENTS, ...SETTINGS[origin] }, parts);
  const history = await createHistory(world, origin === 'found');
  // The time at which a gap is found ends it where nothing is behind it; no job of it may end after that.
  world.advance(LATER);
  await begin(world, history, origin);
  for (const step of steps) {
    await take(world, history, step);
    await history.check();
  }
  play(world, []);
  world.advance(LATER);
  // A queue that is gone is not found; it shows what it has lost when it is there again.
  if (origin === 'found') await history.append(['completed']);
  expect((await world.run()).caughtUp).toBe(true);
  await history.check();
  expect(await reconcile(world)).toMatchObject({ caughtUp: true, openGaps: 0 });
  await history.checkEnd();
  const { completed, failed } = await reconcile(world);
  expect({ completed, failed }).toEqual({ completed: 0, failed: 0 });
}

async function begin(world: World, history: History, origin: Origin): Promise<void> {
  if (origin === 'found') await world.run();
  if (origin !== 'uncounted') return;
  world.count(false);
  await history.append(Array(SWEEP_SIZE + 3).fill('completed'));
  await world.run();
  world.count(true);
  // The ordinal is filled in where entries are read up to the end of the stream.
  await history.append(['completed']);
  await world.run();
}
