import { once } from 'node:events';
import type http from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { onTestFinished } from 'vitest';

/** Lets a server of a test listen on this machine alone, until the test ends. @returns its port */
export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    (server as Partial<http.Server>).closeAllConnections?.();
  });
  return (server.address() as AddressInfo).port;
}
