import { closedError } from './error.ts';
import { keepConnected } from './keep-connected.ts';
import type { RedisTarget } from './port.ts';
import type { RedisServer } from './server.ts';
import { type Address, addressKey } from './url.ts';

/** Connections to the servers of a cluster, each opened when it is first needed. */
export interface ServerPool {
  /** @throws {RedisError} when it cannot be reached */
  at(address: Address): Promise<RedisServer>;
  close(): void;
}

/**
 * @param cluster for errors
 * @param first an open connection
 */
export function createServerPool(
  cluster: RedisTarget,
  connect: (address: Address) => Promise<RedisServer>,
  first: RedisServer | undefined,
): ServerPool {
  const servers = new Map<string, Promise<RedisServer>>();
  let isClosed = false;

  function keep(address: Address, opening: Promise<RedisServer>): Promise<RedisServer> {
    const place = addressKey(address);
    const server = opening.then((opened) => keepConnected(opened, () => connect(address)));
    servers.set(place, server);
    // The next call tries again.
    server.catch(() => servers.delete(place));
    return server;
  }

  if (first) keep(first.target, Promise.resolve(first));
  return {
    async at(address) {
      if (isClosed) throw closedError(cluster);
      return servers.get(addressKey(address)) ?? keep(address, connect(address));
    },
    close() {
      isClosed = true;
      for (const server of servers.values()) {
        server.then(
          ({ close }) => close(),
          () => {},
        );
      }
    },
  };
}
