import type { RedisError } from '../errors.ts';
import { redisError } from '../redis/error.ts';
import type { RedisConnection } from '../redis/port.ts';
import { eventsKey } from './keys.ts';
import { type StreamInfo, streamInfoCommand, toState } from './stream-info.ts';

/** The state of a queue's stream: `null` where there is none, an error where Redis refuses to say. */
export type State = StreamInfo | null | RedisError;

/** Bytes of a value in a reply: ids and counts have fewer, and the fields of a stream's first entry are not needed. */
const MAX_VALUE_BYTES = 256;

/**
 * Asks for the state of the streams of queues, in one pipeline.
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
