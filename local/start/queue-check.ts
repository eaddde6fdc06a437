import { connectRedis } from '../../functions/redis/connect.ts';
import { redisError } from '../../functions/redis/error.ts';
import type { RedisConnection } from '../../functions/redis/port.ts';
import { discoverQueues } from '../../functions/stream/discovery.ts';
import { eventsKey, metaKey } from '../../functions/stream/keys.ts';
import { streamInfoCommand, toState } from '../../functions/stream/stream-info.ts';

/** Whether there is a queue to forward, and a remark if one is missing. */
export interface QueueCheck {
  readonly isAnyThere: boolean;
  /** Lists the queues that are missing, and the queues that were found instead. */
  readonly remark?: string;
}

/** The most names in a list. */
const LISTED = 10;

/**
 * Checks that queues exist before they are forwarded; the function does not distinguish a missing queue from a queue
 * without events.
 *
 * A queue exists if it has an event stream or a `meta` hash.
 * @throws {RedisError} when the connection fails, or if the user may not read the keys
 */
export async function checkQueues(
  redisUrl: string,
  prefix: string,
  queues: '*' | readonly string[],
): Promise<QueueCheck> {
  const redis = await connectRedis({ url: redisUrl });
  try {
    const found = queues === '*' ? await findQueues(redis, prefix) : [];
    const missing = queues === '*' ? [] : await missingOf(redis, prefix, queues);
    const isAnyThere = queues === '*' ? found.length > 0 : missing.length < queues.length;
    if (isAnyThere && missing.length === 0) return { isAnyThere };
    const which = missing.length > 0 ? ` named ${quote(missing)}` : '';
    return {
      isAnyThere,
      remark: `Under the prefix ${quote([prefix])} there is no queue${which}. ${await insteadOf(redis, prefix)}`,
    };
  } finally {
    redis.close();
  }
}

/** The queues that have neither a stream nor settings; BullMQ always writes at least one of them. */
async function missingOf(redis: RedisConnection, prefix: string, queues: readonly string[]): Promise<string[]> {
  const streams = await redis.send(queues.map((queue) => streamInfoCommand(eventsKey(prefix, queue))));
  const denied = streams.find((reply) => reply instanceof Error && reply.message.startsWith('NOPERM'));
  if (denied) throw redisError(denied as Error, redis.target, `looking at the queues under ${prefix}`);
  const settings = await redis.send(
    queues.map((queue) => ['hmget', metaKey(prefix, queue), 'opts.maxLenEvents', 'version']),
  );
  const isThere = (i: number) => {
    const state = toState(streams[i]);
    return (
      (state !== null && !(state instanceof Error)) || [settings[i]].flat().some((value) => typeof value === 'string')
    );
  };
  return queues.filter((_, i) => !isThere(i));
}

/** The queues with a stream, which `*` forwards, and the queues with settings, which may have a stream soon. */
async function findQueues(redis: RedisConnection, prefix: string): Promise<string[]> {
  const { keys } = await redis.scan(metaKey('*', '*'), { type: 'hash' });
  const own = keys.filter((key) => key.startsWith(`${prefix}:`));
  const named = own.map((key) => key.slice(prefix.length + 1, -':meta'.length)).filter((name) => !name.includes(':'));
  return [...(await discoverQueues(redis, prefix)), ...named];
}

async function insteadOf(redis: RedisConnection, prefix: string): Promise<string> {
  const found = await findQueues(redis, prefix);
  if (found.length > 0) return `Found there: ${quote(found)}.`;
  const { keys } = await redis.scan(eventsKey('*', '*'), { type: 'stream' });
  if (keys.length === 0) return 'There is no queue under any other prefix of this database either.';
  return `Queues were found under ${quote(keys.map(prefixOf))}: choose one with --prefix.`;
}

/** The prefix in the key of an event stream, for a queue without a colon in its name. */
function prefixOf(key: string): string {
  return key.split(':').slice(0, -2).join(':');
}

function quote(names: readonly string[]): string {
  const sorted = [...new Set(names)].sort();
  const listed = sorted.slice(0, LISTED).map((name) => JSON.stringify(name));
  return listed.join(', ') + (sorted.length > LISTED ? ` and ${sorted.length - LISTED} more` : '');
}
