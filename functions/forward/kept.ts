import { RedisError } from '../errors.ts';
import { redisError } from '../redis/error.ts';
import type { RedisConnection } from '../redis/port.ts';
import { metaKey } from '../stream/keys.ts';
import { readStates, type State } from '../stream/states.ts';
import { trimmed } from '../stream/stream-info.ts';

/** What BullMQ trims to where nothing else is set: https://docs.bullmq.io/guide/events */
const DEFAULT_MAX_LEN = 10_000;

/** How many entries the stream of a queue keeps before Redis trims it, and the state that shows it. */
export interface Kept {
  /** `undefined` where Redis does not say. */
  readonly entries: number | undefined;
  readonly state: State;
}

/**
 * How many entries the streams of queues keep, by queue.
 *
 * A stream that was trimmed shows it by its length: a producer of custom events trims to some 1,000, whatever the queue's
 * settings say (taskforcesh/bullmq#4617). Of one that was never trimmed, BullMQ's own setting is the first guess.
 * @throws {RedisError} when `HMGET` is refused or the connection fails
 */
export type KeptBy = (queues: readonly string[]) => Promise<ReadonlyMap<string, Kept>>;

/** Asks Redis for each queue once in a run. */
export function createKept(redis: RedisConnection, prefix: string): KeptBy {
  const known = new Map<string, Kept>();

  async function ask(queues: readonly string[]): Promise<void> {
    if (queues.length === 0) return;
    const states = await readStates(redis, queues, prefix);
    const keys = queues.map((queue) => metaKey(prefix, queue));
    const replies = await redis.send(keys.map((key) => ['hmget', key, 'opts.maxLenEvents']));
    for (const [i, queue] of queues.entries()) {
      const reply = replies[i];
      if (reply instanceof Error) throw redisError(reply, redis.target, `asking what streams keep (HMGET ${keys[i]})`);
      const cap = Number((reply as (string | null)[])[0] ?? DEFAULT_MAX_LEN);
      const state = states.get(queue) as State;
      known.set(queue, { entries: state instanceof RedisError ? undefined : entriesKept(state, cap), state });
    }
  }

  return async (queues) => {
    await ask(queues.filter((queue) => !known.has(queue)));
    return new Map(queues.map((queue) => [queue, known.get(queue) as Kept]));
  };
}

function entriesKept(state: Exclude<State, RedisError>, cap: number): number | undefined {
  const wasTrimmed = state !== null && (trimmed(state) ?? 0) > 0;
  return wasTrimmed ? state.length : Number.isNaN(cap) ? undefined : cap;
}
