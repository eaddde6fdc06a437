import { redisError } from '../redis/error.ts';
import type { RedisConnection } from '../redis/port.ts';
import type { Place } from './place.ts';

/** A job in a sorted set of finished jobs. */
export interface Member {
  readonly id: Buffer;
  /** When the job finished, in milliseconds since the epoch. */
  readonly score: number;
}

/**
 * The next members of a sorted set behind a place, in the order of the set; none at its end.
 *
 * A place is a score and a member, not a rank, so it does not move when jobs are removed or added. Redis can begin a
 * range only at a score, so the members with that score up to the place are read again and left out.
 * @param to the highest score, inclusive
 * @param count the most members to return
 * @throws {RedisError} when Redis refuses the command or the connection fails
 */
export async function membersAfter(
  redis: RedisConnection,
  key: string,
  place: Pick<Place, 'score' | 'member'>,
  to: number,
  count: number,
): Promise<Member[]> {
  for (let offset = 0; ; ) {
    // The page includes the last passed member. If it is not there, members were removed, and unread members may have
    // moved up before the offset.
    const overlap = offset === 0 ? 0 : 1;
    const page = await range(redis, key, place.score, to, offset - overlap, count + overlap);
    if (overlap > 0 && !(page[0] && isPassed(page[0], place))) {
      offset = 0;
      continue;
    }
    const next = page.filter((member) => !isPassed(member, place));
    if (next.length > 0 || page.length < count + overlap) return next;
    offset += count;
  }
}

/** Redis orders members of the same score by their bytes. */
function isPassed({ id, score }: Member, place: Pick<Place, 'score' | 'member'>): boolean {
  return place.member !== undefined && score === place.score && Buffer.compare(id, place.member) <= 0;
}

async function range(
  redis: RedisConnection,
  key: string,
  from: number,
  to: number,
  offset: number,
  count: number,
): Promise<Member[]> {
  const [reply] = await redis.send([['zrangebyscoreBuffer', key, from, to, 'WITHSCORES', 'LIMIT', offset, count]]);
  if (reply instanceof Error) throw redisError(reply, redis.target, `reading ${key}`);
  const flat = reply as Buffer[];
  return Array.from({ length: flat.length / 2 }, (_, i) => ({
    id: flat[2 * i] as Buffer,
    score: Number(flat[2 * i + 1]),
  }));
}
