import { RedisError } from '../errors.ts';
import type { ServerAccess } from './client.ts';
import { connectCluster } from './cluster.ts';
import { type RedisConnection, type RedisOptions, ReplyTooLargeError } from './port.ts';
import { scan } from './scan.ts';
import { connectMaster } from './sentinel.ts';
import { connectServer, type RedisServer } from './server.ts';
import { type Address, readRedisUrl } from './url.ts';

/**
 * Connects to Redis for the length of one run: to a server, to the masters of a cluster, or to the master that Sentinels name.
 *
 * A function is frozen between two invocations and its sockets die unseen, so a connection never outlives a run, and
 * only what a cluster moved meanwhile is asked for again: for all else, the next run is the retry. RESP2 and no handshake
 * but `HELLO`, which no server refuses a user, so that a read-only user with
 * `+xrange +xinfo|stream +multi +exec +scan +zrangebyscore +hmget` is enough and servers before Redis 6 answer too. A
 * run that goes on listening waits with `+xread`. A cluster is asked where its keys are (`+cluster|slots`), and while it
 * moves keys between its servers `+asking` follows them. A user of Sentinels needs `+sentinel|get-master-addr-by-name` there.
 * @throws {RedisError} naming host, user and cause
 * @throws {ConfigError} when the URL is not valid; it is never repeated, since it holds the password
 */
export async function connectRedis(options: RedisOptions): Promise<RedisConnection> {
  const { addresses, access } = readOptions(options);
  const { sentinel, cluster } = options;
  if (sentinel) return aServer(() => connectMaster(withPort(addresses, 26_379), sentinel, access));
  const seeds = withPort(addresses, 6379);
  if (cluster || seeds.length > 1) return connectCluster(seeds, access);
  const [seed] = seeds as [Address];
  const server = await connectServer(seed, access);
  if (server.mode === 'cluster') return connectCluster(seeds, access, server);
  if (server.mode !== 'sentinel') return aServer(() => connectServer(seed, access), server);
  server.close();
  throw new RedisError(
    'REDIS_SENTINEL',
    `Redis ${seed.host}:${seed.port} is a Sentinel, which has no queues; set BULLBRIDGE_REDIS_SENTINEL to the name of its master (\`sentinel\` in the construct), or give the endpoint of the master.`,
  );
}

function readOptions(options: RedisOptions): { addresses: readonly Address[]; access: ServerAccess } {
  const { tls, user, password, db, addresses } = readRedisUrl(options.url);
  const { ca, token, connectTimeout = 5000, commandTimeout = 10_000 } = options;
  return { addresses, access: { tls, ca, user, password, token, db, connectTimeout, commandTimeout } };
}

function withPort(addresses: readonly Address[], usual: number): Address[] {
  return addresses.map(({ host, port }) => ({ host, port: port || usual }));
}

/** One server that has all keys; after a reply that was too large, the connection is a new one. */
async function aServer(connect: () => Promise<RedisServer>, connected?: RedisServer): Promise<RedisConnection> {
  let server = connected ?? (await connect());
  return {
    target: server.target,
    async send(commands, { maxBytes } = {}) {
      try {
        return await server.send(commands, maxBytes === undefined ? undefined : { maxBytes, received: 0 });
      } catch (error) {
        if (error instanceof ReplyTooLargeError) server = await connect();
        throw error;
      }
    },
    scan: (pattern, options) => scan(server, pattern, options),
    close: () => server.close(),
  };
}
