import { expect } from 'vitest';
import { createWorld, type Parts } from '../forward/world.ts';
import { play } from './faults.ts';
import { createHistory, EVENTS } from './history.ts';
import { reconcile, type Step, SWEEP_SIZE, take } from './steps.ts';

/** A minute, so that no lease and no skew of clocks is left. */
const LATER = 60_000;

/** Lives through steps, then forwards and recovers all that is left, and holds the outcome against the truth. */
export async function live(steps: readonly Step[], parts?: Parts): Promise<void> {
  const world = await createWorld({ sweepSize: SWEEP_SIZE, events: EVENTS }, parts);
  const history = await createHistory(world);
  for (const step of steps) {
    await take(world, history, step);
    await history.check();
  }
  play(world, []);
  world.advance(LATER);
  expect((await world.run()).caughtUp).toBe(true);
  await history.check();
  expect(await reconcile(world)).toMatchObject({ caughtUp: true, openGaps: 0 });
  await history.checkEnd();
  const { completed, failed } = await reconcile(world);
  expect({ completed, failed }).toEqual({ completed: 0, failed: 0 });
}
