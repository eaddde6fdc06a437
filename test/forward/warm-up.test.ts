import net from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { warmUp } from '../../functions/forward/warm-up.ts';
import { adminRedis } from '../redis.ts';
import { testStack } from '../stack.ts';

test('the warm-up runs to its end, and connects to nothing', async () => {
  const connect = vi.spyOn(net.Socket.prototype, 'connect');
  onTestFinished(() => connect.mockRestore());

  await warmUp();

  expect(connect).not.toHaveBeenCalled();
});

test('a function that was warmed up, as on Lambda, forwards as any other', async () => {
  const stack = await testStack({ AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand' });
  await adminRedis().xadd(`${stack.prefix}:q:events`, '1-1', 'event', 'completed', 'jobId', '7', 'returnvalue', '1');

  expect(await stack.forward.invoke()).toMatchObject({ published: 1, filtered: 0, lost: 0, caughtUp: true });

  expect(stack.bus.accepted).toMatchObject([{ detail: { jobId: '7', returnvalue: 1 } }]);
});
