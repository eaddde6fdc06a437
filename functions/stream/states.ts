import type { RedisError } from '../errors.ts';
import { redisError } from '../redis/error.ts';
import type { RedisConnection } from '../redis/port.ts';
import { eventsKey } from './keys.ts';
import { type StreamInfo, streamInfoCommand, toState } from './stream-info.ts';

/** The state of the stream of a queue: `null` if there is no stream, an error if Redis refuses to report it. */
export type State = StreamInfo | null | RedisError;

/** Longer values are cut: ids and counts are shorter, and the fields of the first entry are not needed. */
const MAX_VALUE_BYTES = 256;

/**
 * Asks for the states of streams, in one pipeline.
 *
 * @throws {RedisError} when the connection fails
 */
export async function readStates(
  redis: RedisConnection,
  queues: readonly string[],
  prefix: string,
): Promise<Map<string, State>> {
  if (queues.length === 0) return new Map();
  const replies = await redis.send(
    queues.map((queue) => streamInfoCommand(eventsKey(prefix, queue))),
    { maxValueBytes: MAX_VALUE_BYTES },
  );
  return new Map(
    queues.map((queue, i) => {
      const state = toState(replies[i]);
      const what = `asking for the state of ${eventsKey(prefix, queue)}`;
      return [queue, state instanceof Error ? redisError(state, redis.target, what) : state];
    }),
  );
}

export function isFailure(state: State): state is RedisError {
  return state instanceof Error;
}
