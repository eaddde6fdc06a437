import { RedisError } from '../errors.ts';
import type { ServerAccess } from './client.ts';
import { noMasterError, redisError } from './error.ts';
import type { SentinelOptions } from './port.ts';
import { connectServer, type RedisServer } from './server.ts';
import type { Address } from './url.ts';

/**
 * Connects to the master that Sentinels name.
 *
 * It asks one Sentinel after the other until one names a server that is a master itself: during a failover, a Sentinel
 * can still name the old master. https://redis.io/docs/latest/develop/reference/sentinel-clients/
 * @throws {RedisError} the failure of the named master, or the answers of all Sentinels if none named a master
 */
export async function connectMaster(
  sentinels: readonly Address[],
  sentinel: SentinelOptions,
  access: ServerAccess,
): Promise<RedisServer> {
  const { master: name, user, password } = sentinel;
  const role = `the master "${name}"`;
  const said: string[] = [];
  let passes = false;
  const tried = new Map<string, RedisError>();
  for (const address of sentinels) {
    const ofSentinel = { ...access, role: 'a Sentinel', user, password, token: undefined, db: 0 };
    const place = `${address.host}:${address.port}`;
    try {
      const master = await askSentinel(address, name, ofSentinel);
      if (!master) {
        said.push(`${place} does not know it`);
        continue;
      }
      const where = `${master.host}:${master.port}`;
      if (tried.has(where)) continue;
      const server = await connectServer(master, { ...access, role }).catch((error: RedisError) => {
        tried.set(where, error);
      });
      if (!server) continue;
      if (server.role !== 'replica') return server;
      server.close();
      said.push(`${place} still names ${where}, which is a replica by now`);
      passes = true;
    } catch (error) {
      if (!(error instanceof RedisError)) throw error;
      said.push(error.message);
      passes ||= error.passes;
    }
  }
  for (const error of tried.values()) throw error;
  throw noMasterError(name, said, passes);
}

async function askSentinel(address: Address, name: string, access: ServerAccess): Promise<Address | undefined> {
  const sentinel = await connectServer(address, access);
  try {
    const [reply] = await sentinel.send([['sentinel', 'get-master-addr-by-name', name]]);
    if (reply instanceof Error) throw redisError(reply, sentinel.target, 'asking for the master');
    if (!reply) return undefined;
    const [host, port] = reply as [string, string];
    return { host, port: Number(port) };
  } finally {
    sentinel.close();
  }
}
