import type { RedisConnection } from '../redis/port.ts';
import { bytesOf, type Value } from '../stream/entry.ts';
import { type JobHash, readJobHashes } from '../stream/job-hashes.ts';
import type { Member } from './members.ts';
import type { Outcome } from './place.ts';

/** A finished job, with the fields of its last event. */
export interface FinishedJob {
  readonly outcome: Outcome;
  readonly id: Buffer;
  /** In milliseconds since the epoch, by the clock of the worker. */
  readonly finishedOn: number;
  /** As BullMQ wrote it, to the job as well as to the event; `null` without a result. */
  readonly result: Value | null;
  readonly hash: JobHash;
}

/** The field with the result, in the job as well as in its event. */
const RESULTS = { completed: 'returnvalue', failed: 'failedReason' } as const satisfies Record<Outcome, string>;

/**
 * Reads the jobs of members in one pipeline.
 *
 * It leaves out jobs that were removed or retried meanwhile, and keys that are not jobs.
 * @param alsoWanted more fields of their hashes
 * @param maxBytes may be left out for a single member only
 * @throws {RedisError} when Redis refuses the command or the connection fails; {@link ReplyTooLargeError} when more
 * than `maxBytes` arrive
 */
export async function readJobs(
  redis: RedisConnection,
  queueKey: string,
  outcome: Outcome,
  members: readonly Member[],
  alsoWanted: readonly string[],
  maxBytes: number | undefined,
): Promise<{ readonly jobs: FinishedJob[]; readonly bytes: number }> {
  const fields = [...new Set([RESULTS[outcome], 'finishedOn', ...alsoWanted])];
  const requests = members.map(({ id }) => ({ queueKey, id, fields }));
  const { hashes, bytes } = await readJobHashes(redis, requests, maxBytes);
  const jobs = members.flatMap(({ id, score }, i): FinishedJob[] => {
    const hash = hashes[i];
    const finishedOn = hash?.get('finishedOn');
    if (!hash || !finishedOn || Number(bytesOf(finishedOn)) !== score) return [];
    return [{ outcome, id, finishedOn: score, result: hash.get(RESULTS[outcome]) ?? null, hash }];
  });
  return { jobs, bytes };
}

/** The fields of the last event of a job, as its stream entry had them. */
export function eventFields({ outcome, id, result }: FinishedJob): Value[] {
  const fields = [Buffer.from('event'), Buffer.from(outcome), Buffer.from('jobId'), id];
  return result ? [...fields, Buffer.from(RESULTS[outcome]), result] : fields;
}
