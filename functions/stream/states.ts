import type { RedisError } from '../errors.ts';
import { redisError } from '../redis/error.ts';
import type { RedisConnection } from '../redis/port.ts';
import { eventsKey } from './keys.ts';
import { createPortions } from './portions.ts';
import { type StreamInfo, streamInfoCommand, toState } from './stream-info.ts';

/** The state of a queue's stream: `null` where there is none, an error where Redis refuses to say. */
export type State = StreamInfo | null | RedisError;

/**
 * Asks for the state of the streams of queues, as many in a pipeline as memory allows: the reply has the first entry of each.
 *
 * @throws {RedisError} when the connection fails
 */
export async function readStates(
  redis: RedisConnection,
  queues: readonly string[],
  prefix: string,
): Promise<Map<string, State>> {
  const states = new Map<string, State>();
  const portions = createPortions();
  while (states.size < queues.length) {
    const next = queues.slice(states.size);
    const { replies, count } = await portions.read(next.length, async (most, maxBytes) => {
      const commands = next.slice(0, most).map((queue) => streamInfoCommand(eventsKey(prefix, queue)));
      const replies = await redis.send(commands, { maxBytes });
      return { replies, bytes: 0 };
    });
    for (const [i, queue] of next.slice(0, count).entries()) {
      const state = toState(replies[i]);
      const what = `asking for the state of ${eventsKey(prefix, queue)}`;
      states.set(queue, state instanceof Error ? redisError(state, redis.target, what) : state);
    }
  }
  return states;
}

export function isFailure(state: State): state is RedisError {
  return state instanceof Error;
}
