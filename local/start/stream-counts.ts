import { connectRedis } from '../../functions/redis/connect.ts';
import { discoverQueues } from '../../functions/stream/discovery.ts';
import { eventsKey } from '../../functions/stream/keys.ts';
import { streamInfoCommand, toState } from '../../functions/stream/stream-info.ts';
import type { Source } from './forwarding.ts';

/** Counts the entries that were ever added to the event stream of each queue; before Redis 7, its current entries. */
export async function countWritten({ redisUrl, prefix, queues }: Source): Promise<Map<string, number>> {
  const redis = await connectRedis({ url: redisUrl });
  try {
    const names = queues === '*' ? await discoverQueues(redis, prefix) : queues;
    const replies = await redis.send(names.map((queue) => streamInfoCommand(eventsKey(prefix, queue))));
    const counts = replies.map((reply) => {
      const state = toState(reply);
      return state instanceof Error ? 0 : (state?.entriesAdded ?? state?.length ?? 0);
    });
    return new Map(names.map((queue, i) => [queue, counts[i] ?? 0]));
  } finally {
    redis.close();
  }
}
