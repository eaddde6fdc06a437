import { expect, test } from 'vitest';
import { createWorld } from '../forward/world.ts';

test('the row of a queue expires once a run has found its stream gone, and stays when the queue comes back', async () => {
  const world = await createWorld();
  const add = () => world.admin.xadd(world.key('q'), '*', 'event', 'completed');
  await add();
  await world.run();
  expect(await world.expiry('q')).toBeUndefined();

  await world.admin.del(world.key('q'));
  await world.run();
  expect(await world.expiry('q')).toBeGreaterThan(world.now().getTime() / 1000 + 360 * 24 * 3600);

  await add();
  await world.run();
  expect(await world.expiry('q')).toBeUndefined();
});
