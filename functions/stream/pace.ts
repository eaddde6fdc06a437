import type { RedisConnection } from '../redis/port.ts';
import { idTime } from './id.ts';
import { eventsKey } from './keys.ts';
import { type ReadOptions, toStreamInfo } from './read.ts';

/** What a stream holds. */
export interface Pace {
  readonly entries: number;
  /** When its oldest and its newest entry came, in milliseconds by the clock of the server. */
  readonly first: number;
  readonly last: number;
}

/** Looks at the streams of queues; without those that are empty or of which Redis does not tell. */
export async function readPaces(
  redis: RedisConnection,
  queues: readonly string[],
  { prefix, maxBytes }: ReadOptions,
): Promise<Map<string, Pace>> {
  const paces = new Map<string, Pace>();
  if (queues.length === 0) return paces;
  const replies = await redis.send(
    queues.map((queue) => ['xinfoBuffer', 'STREAM', eventsKey(prefix, queue)]),
    { maxBytes },
  );
  for (const [i, queue] of queues.entries()) {
    const reply = replies[i];
    if (reply instanceof Error) continue;
    const { length, first, last } = toStreamInfo(reply as unknown[]);
    if (first && last) paces.set(queue, { entries: length, first: idTime(first.id), last: idTime(last.id) });
  }
  return paces;
}
