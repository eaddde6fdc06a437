import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import type { Address } from './url.ts';

/** Milliseconds for a probe; short, because a probe only explains a failure. */
const PATIENCE = 1000;

/** Whether a server speaks TLS, with any certificate. */
export function speaksTls({ host, port }: Address): Promise<boolean> {
  const socket = tls.connect({ host, port, rejectUnauthorized: false });
  return heard(socket, async (signal) => {
    await once(socket, 'secureConnect', { signal });
    return true;
  });
}

/** Whether a server speaks the protocol of Redis without TLS. */
export function speaksPlain({ host, port }: Address): Promise<boolean> {
  const socket = net.connect({ host, port });
  socket.write('PING\r\n');
  return heard(socket, async (signal) => {
    const [answer] = (await once(socket, 'data', { signal })) as [Buffer];
    return /^[+-]/.test(answer.toString('latin1'));
  });
}

async function heard(socket: net.Socket, listen: (signal: AbortSignal) => Promise<boolean>): Promise<boolean> {
  // For errors after the probe has ended.
  socket.on('error', () => {});
  try {
    return await listen(AbortSignal.timeout(PATIENCE));
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
