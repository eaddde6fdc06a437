import { redisError } from '../redis/error.ts';
import type { RedisConnection } from '../redis/port.ts';
import { metaKey } from '../stream/keys.ts';

/** What BullMQ trims to where nothing else is set: https://docs.bullmq.io/guide/events */
const DEFAULT_MAX_LEN = 10_000;

/**
 * How many entries the stream of each queue keeps; without those that keep none.
 *
 * @throws {RedisError} when `HMGET` is refused or the connection fails
 */
export type CapacitiesOf = (queues: readonly string[]) => Promise<Map<string, number>>;

/** Asks Redis for each queue once in a run. */
export function createCapacities(redis: RedisConnection, prefix: string): CapacitiesOf {
  const known = new Map<string, number>();

  async function ask(queues: readonly string[]): Promise<void> {
    if (queues.length === 0) return;
    const keys = queues.map((queue) => metaKey(prefix, queue));
    const replies = await redis.send(keys.map((key) => ['hmget', key, 'opts.maxLenEvents']));
    for (const [i, queue] of queues.entries()) {
      const reply = replies[i];
      if (reply instanceof Error) throw redisError(reply, redis.target, `asking what streams keep (HMGET ${keys[i]})`);
      known.set(queue, Number((reply as (string | null)[])[0] ?? DEFAULT_MAX_LEN));
    }
  }

  return async (queues) => {
    await ask(queues.filter((queue) => !known.has(queue)));
    return new Map(
      queues.flatMap((queue) => {
        const capacity = known.get(queue) ?? 0;
        return capacity > 0 ? [[queue, capacity]] : [];
      }),
    );
  };
}
