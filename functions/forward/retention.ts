import type { Cursor } from '../stream/read.ts';
import type { CapacitiesOf } from './capacity.ts';

/**
 * How much of its stream's capacity the backlog of each queue took, in percent; at 100 Redis begins to trim what was not read.
 *
 * Idle queues are left out, and are not asked for. So are queues seen first, of which nothing can be lost yet, and those
 * whose streams keep nothing.
 * @param arrived entries of each queue that came before it was caught up, since its saved position or since it was last caught up
 * @throws {RedisError} when `HMGET` is refused or the connection fails
 */
export async function retentionUsed(
  capacitiesOf: CapacitiesOf,
  cursors: readonly Cursor[],
  arrived: ReadonlyMap<string, number>,
): Promise<Map<string, number>> {
  const entriesOf = (queue: string) => arrived.get(queue) ?? 0;
  const busy = cursors.flatMap(({ queue, position }) => (position && entriesOf(queue) > 0 ? queue : []));
  const capacities = await capacitiesOf(busy);
  return new Map([...capacities].map(([queue, capacity]) => [queue, (entriesOf(queue) / capacity) * 100]));
}
