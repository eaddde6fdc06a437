import type { Arrival } from './arrivals.ts';
import type { CapacitiesOf } from './stream-capacity.ts';

/**
 * The backlog of each queue, in percent of the entries that its stream keeps; at 100, Redis begins to trim unread
 * entries.
 *
 * It is at least 100 for a queue whose unread entries were trimmed. Streams that keep no entries are left out.
 * @param arrivals by queue, without queues that had no saved position: they cannot have lost entries yet
 * @throws {RedisError} when `HMGET` is refused or the connection fails
 */
export async function retentionUsed(
  capacitiesOf: CapacitiesOf,
  arrivals: ReadonlyMap<string, Arrival>,
): Promise<Map<string, number>> {
  const capacities = await capacitiesOf([...arrivals.keys()]);
  return new Map(
    [...arrivals].flatMap(([queue, { most, overran }]) => {
      const entries = capacities.get(queue)?.entries ?? 0;
      const used = entries > 0 ? (most / entries) * 100 : 0;
      if (entries === 0 && !overran) return [];
      return [[queue, overran ? Math.max(100, used) : used] as const];
    }),
  );
}
