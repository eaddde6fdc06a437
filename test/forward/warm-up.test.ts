import net from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { warmUp } from '../../functions/forward/warm-up.ts';

test('the warm-up runs to its end, and connects to nothing', async () => {
  const connect = vi.spyOn(net.Socket.prototype, 'connect');
  onTestFinished(() => connect.mockRestore());

  await warmUp();

  expect(connect).not.toHaveBeenCalled();
});
