import type { ServerAccess } from './client.ts';
import { connectCluster } from './cluster.ts';
import { sentinelError } from './error.ts';
import { keepConnected } from './keep-connected.ts';
import type { RedisConnection, RedisOptions } from './port.ts';
import { scan } from './scan.ts';
import { connectMaster } from './sentinel.ts';
import { connectServer, type RedisServer } from './server.ts';
import { type Address, readRedisUrl } from './url.ts';

/**
 * Connects to Redis for one run: to a server, to the masters of a cluster, or to the master that Sentinels name.
 *
 * Lambda freezes a function between two invocations, and its sockets may be closed meanwhile, so a connection is never
 * used for two runs. Commands for keys that have moved in a cluster are repeated at the new server. Any other failure
 * is thrown, and later commands use a new connection. It uses RESP2 and only `HELLO` as a handshake, so that a user
 * needs only the permissions of {@link permissionsFor}, and servers before Redis 6 also work.
 * @throws {RedisError} with the host, the user and the cause
 * @throws {ConfigError} when the URL is not valid; the error does not contain the URL, because of its password
 */
export async function connectRedis(options: RedisOptions): Promise<RedisConnection> {
  const { addresses, access } = readOptions(options);
  const { sentinel, cluster } = options;
  if (sentinel) return ofOne(() => connectMaster(withPort(addresses, 26_379), sentinel, access));
  const seeds = withPort(addresses, 6379);
  if (cluster || seeds.length > 1) return connectCluster(seeds, access);
  const [seed] = seeds as [Address];
  const server = await connectServer(seed, access);
  if (server.mode === 'cluster') return connectCluster(seeds, access, server);
  if (server.mode !== 'sentinel') return ofOne(() => connectServer(seed, access), server);
  server.close();
  throw sentinelError(server.target);
}

function readOptions(options: RedisOptions): { addresses: readonly Address[]; access: ServerAccess } {
  const { tls, user, password, db, addresses } = readRedisUrl(options.url);
  const { ca, token, connectTimeout = 5000, commandTimeout = 10_000 } = options;
  const hosts = addresses.map(({ host }) => host);
  return { addresses, access: { tls, hosts, ca, user, password, token, db, connectTimeout, commandTimeout } };
}

function withPort(addresses: readonly Address[], usual: number): Address[] {
  return addresses.map(({ host, port }) => ({ host, port: port || usual }));
}

/** A connection to the one server that has all keys. @param connect creates it, and a new one after a failure */
async function ofOne(connect: () => Promise<RedisServer>, first?: RedisServer): Promise<RedisConnection> {
  const server = keepConnected(first ?? (await connect()), connect);
  return {
    isCluster: async () => false,
    get target() {
      return server.target;
    },
    send: (commands, limits) => server.send(commands, { ...limits, received: 0 }),
    scan: (pattern, options) => scan(server, pattern, options),
    close: server.close,
  };
}
