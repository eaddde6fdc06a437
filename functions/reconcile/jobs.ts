import type { Command, RedisConnection } from '../stream/connection.ts';
import { redisError } from '../stream/redis-error.ts';
import type { Member } from './members.ts';
import type { Outcome } from './place.ts';

/** What a job that has ended tells of its last event. */
export interface FinishedJob {
  readonly outcome: Outcome;
  readonly id: Buffer;
  /** In milliseconds since the epoch, by the clock of the worker. */
  readonly finishedOn: number;
  /** As BullMQ wrote it, to the job as to the event; `null` where there is none. */
  readonly result: Buffer | null;
}

/** The field of a job, and of its event, that says how it ended. */
const RESULTS = { completed: 'returnvalue', failed: 'failedReason' } as const satisfies Record<Outcome, string>;

/**
 * Reads the jobs of members in one pipeline.
 *
 * Left out are jobs that were removed meanwhile, or retried so that they have not ended or ended another time, and keys that
 * are no jobs: a job id can be the name of another key of the queue.
 * @throws {RedisError} when Redis refuses it or the connection fails; {@link ReplyTooLargeError} when more than `maxBytes` arrive
 */
export async function readJobs(
  redis: RedisConnection,
  queueKey: string,
  outcome: Outcome,
  members: readonly Member[],
  maxBytes: number | undefined,
): Promise<{ readonly jobs: FinishedJob[]; readonly bytes: number }> {
  const commands = members.map(
    ({ id }): Command => [
      'hmgetBuffer',
      Buffer.concat([Buffer.from(`${queueKey}:`), id]),
      RESULTS[outcome],
      'finishedOn',
    ],
  );
  const replies = commands.length > 0 ? await redis.send(commands, maxBytes) : [];
  const jobs: FinishedJob[] = [];
  let bytes = 0;
  for (const [i, reply] of replies.entries()) {
    const { id, score } = members[i] as Member;
    if (reply instanceof Error) {
      if (/^WRONGTYPE/.test(reply.message)) continue;
      throw redisError(reply, redis.target, `reading jobs of ${queueKey}`);
    }
    const [result, finishedOn] = reply as (Buffer | null)[];
    bytes += id.length + (result?.length ?? 0);
    if (finishedOn && Number(finishedOn) === score)
      jobs.push({ outcome, id, finishedOn: score, result: result ?? null });
  }
  return { jobs, bytes };
}

/** The fields of the event that a job ended with, as its stream entry had them. */
export function eventFields({ outcome, id, result }: FinishedJob): Buffer[] {
  const fields = [Buffer.from('event'), Buffer.from(outcome), Buffer.from('jobId'), id];
  return result ? [...fields, Buffer.from(RESULTS[outcome]), result] : fields;
}
