import type { RedisServer } from './server.ts';
import { type Address, placeOf } from './url.ts';

/** Connections to the servers of a cluster, each opened when it is first needed. */
export interface ServerPool {
  /** @throws {RedisError} when it cannot be reached */
  at(address: Address): Promise<RedisServer>;
  /** Closes a connection; the next one to that server is new. */
  drop(address: Address): void;
  close(): void;
}

/** @param first a connection that is open already */
export function createServerPool(
  connect: (address: Address) => Promise<RedisServer>,
  first: RedisServer | undefined,
): ServerPool {
  const servers = new Map<string, Promise<RedisServer>>();
  if (first) servers.set(placeOf(first.target), Promise.resolve(first));
  const drop = (place: string) => {
    // One that could not be opened was reported to whoever wanted it.
    servers.get(place)?.then(
      (server) => server.close(),
      () => {},
    );
    servers.delete(place);
  };
  return {
    at(address) {
      const place = placeOf(address);
      const server = servers.get(place) ?? connect(address);
      servers.set(place, server);
      return server;
    },
    drop: (address) => drop(placeOf(address)),
    close() {
      for (const place of servers.keys()) drop(place);
    },
  };
}
