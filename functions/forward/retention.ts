import type { Arrival } from './arrivals.ts';
import type { KeptBy } from './kept.ts';

/**
 * How much of the entries that its stream keeps the backlog of each queue took, in percent; at 100 Redis begins to trim unread ones.
 *
 * A queue of which Redis trimmed unread entries took 100 at least. Streams that keep nothing are left out.
 * @param arrivals by queue, without those that were seen first: nothing of them can be lost yet
 * @throws {RedisError} when `HMGET` is refused or the connection fails
 */
export async function retentionUsed(
  keptBy: KeptBy,
  arrivals: ReadonlyMap<string, Arrival>,
): Promise<Map<string, number>> {
  const kept = await keptBy([...arrivals.keys()]);
  return new Map(
    [...arrivals].flatMap(([queue, { most, overran }]) => {
      const entries = kept.get(queue)?.entries ?? 0;
      const used = entries > 0 ? (most / entries) * 100 : 0;
      if (entries === 0 && !overran) return [];
      return [[queue, overran ? Math.max(100, used) : used] as const];
    }),
  );
}
