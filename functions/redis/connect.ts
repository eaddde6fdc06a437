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
 * Connects to Redis for the length of one run: to a server, to the masters of a cluster, or to the master that
 * Sentinels name.
 *
 * A function is frozen between two invocations and its sockets die unseen, so a connection never outlives a run. What a
 * cluster has moved is asked for again where it is now; any other failure is the caller's, and the commands after it go
 * out on a new connection. RESP2 and no handshake but `HELLO`, so that a user needs no more than {@link permissionsFor}
 * says and servers before Redis 6 answer, too.
 * @throws {RedisError} naming host, user and cause
 * @throws {ConfigError} when the URL is not valid; it is never repeated, since it holds the password
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

/** A connection to the one server that has all keys. @param connect makes it, and another one after a failure */
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
