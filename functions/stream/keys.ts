import { redisError } from './redis-error.ts';
import type { RedisServer } from './server.ts';

/**
 * The keys of one server that match a pattern; one may come twice.
 *
 * `COUNT 1000` measured ten times faster than the default of 10 over a million keys.
 * @throws {RedisError} when `SCAN` is refused or the connection fails
 */
export async function scan(server: RedisServer, pattern: string): Promise<string[]> {
  const found: string[] = [];
  let cursor = '0';
  do {
    const [reply] = await server.send([['scan', cursor, 'MATCH', pattern, 'COUNT', 1000]]);
    if (reply instanceof Error) throw redisError(reply, server.target, `looking for queues (SCAN MATCH ${pattern})`);
    const [next, keys] = reply as [string, string[]];
    found.push(...keys);
    cursor = next;
  } while (cursor !== '0');
  return found;
}
