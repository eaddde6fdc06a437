import { RedisError } from '../errors.ts';
import { redisError } from '../redis/error.ts';
import type { RedisConnection } from '../redis/port.ts';
import { metaKey } from '../stream/keys.ts';
import { readStates, type State } from '../stream/states.ts';
import { trimmed } from '../stream/stream-info.ts';

/** BullMQ's default for the length of a stream: https://docs.bullmq.io/guide/events */
const DEFAULT_MAX_LEN = 10_000;

/** The number of entries that the stream of a queue keeps, and the state of the stream. */
export interface StreamCapacity {
  /** `undefined` if Redis refuses to report it. */
  readonly entries: number | undefined;
  readonly state: State;
}

/**
 * The number of entries that streams keep, by queue.
 *
 * For a stream that was trimmed, it is the current length: a producer of custom events trims to some 1,000 entries,
 * whatever the settings of the queue are (taskforcesh/bullmq#4617). For a stream that was never trimmed, it is BullMQ's
 * setting.
 * @throws {RedisError} when `HMGET` is refused or the connection fails
 */
export type CapacitiesOf = (queues: readonly string[]) => Promise<ReadonlyMap<string, StreamCapacity>>;

/** Asks Redis about each queue once in a run. */
export function createCapacityReader(redis: RedisConnection, prefix: string): CapacitiesOf {
  const known = new Map<string, StreamCapacity>();

  async function ask(queues: readonly string[]): Promise<void> {
    if (queues.length === 0) return;
    const states = await readStates(redis, queues, prefix);
    const keys = queues.map((queue) => metaKey(prefix, queue));
    const replies = await redis.send(keys.map((key) => ['hmget', key, 'opts.maxLenEvents']));
    for (const [i, queue] of queues.entries()) {
      const reply = replies[i];
      if (reply instanceof Error)
        throw redisError(reply, redis.target, `asking how many entries a stream keeps (HMGET ${keys[i]})`);
      const cap = Number((reply as (string | null)[])[0] ?? DEFAULT_MAX_LEN);
      const state = states.get(queue) as State;
      known.set(queue, { entries: state instanceof RedisError ? undefined : entriesKept(state, cap), state });
    }
  }

  return async (queues) => {
    await ask(queues.filter((queue) => !known.has(queue)));
    return new Map(queues.map((queue) => [queue, known.get(queue) as StreamCapacity]));
  };
}

function entriesKept(state: Exclude<State, RedisError>, cap: number): number | undefined {
  const wasTrimmed = state !== null && (trimmed(state) ?? 0) > 0;
  return wasTrimmed ? state.length : Number.isNaN(cap) ? undefined : cap;
}
