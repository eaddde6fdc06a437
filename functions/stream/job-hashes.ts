import { isUtf8 } from 'node:buffer';
import { redisError } from '../redis/error.ts';
import type { RedisConnection } from '../redis/port.ts';
import { bytesOf, type Value } from './entry.ts';
import { MAX_REPLY_BYTES } from './item-size.ts';

/** A job and the fields to read. */
export interface JobRequest {
  /** The beginning of the keys of its queue, without the colon. */
  readonly queueKey: string;
  /** Not necessarily UTF-8. */
  readonly id: Buffer;
  readonly fields: readonly string[];
}

/** Fields of the hash of a job; `null` for a field that is missing. */
export type JobHash = ReadonlyMap<string, Value | null>;

/** Hashes in the order of the requests, and the bytes of their values. */
export interface JobHashes {
  /** `undefined` for a key that is not a job: a job id can be the name of another key of the queue. */
  readonly hashes: readonly (JobHash | undefined)[];
  readonly bytes: number;
}

/**
 * Reads fields of jobs in one pipeline.
 *
 * @param maxBytes may be left out for a single request only, whose long values are then cut
 * @throws {RedisError} when Redis refuses the command or the connection fails; {@link ReplyTooLargeError} when more
 * than `maxBytes` arrive
 */
export async function readJobHashes(
  redis: RedisConnection,
  requests: readonly JobRequest[],
  maxBytes: number | undefined,
): Promise<JobHashes> {
  if (requests.length === 0) return { hashes: [], bytes: 0 };
  const replies = await redis.send(
    requests.map(({ queueKey, id, fields }) => ['hmgetBuffer', keyOf(queueKey, id), ...fields]),
    maxBytes === undefined ? { maxValueBytes: MAX_REPLY_BYTES } : { maxBytes },
  );
  let bytes = 0;
  const hashes = replies.map((reply, i) => {
    const { queueKey, id, fields } = requests[i] as JobRequest;
    if (reply instanceof Error) {
      if (/^WRONGTYPE/.test(reply.message)) return undefined;
      throw redisError(reply, redis.target, `reading jobs of ${queueKey}`);
    }
    const values = reply as (Value | null)[];
    bytes += values.reduce((sum, value) => sum + (value ? bytesOf(value).length : 0), id.length);
    return new Map(fields.map((field, n) => [field, values[n] ?? null]));
  });
  return { hashes, bytes };
}

/** A text if the id is UTF-8: a command with bytes takes half as long again to write. */
function keyOf(queueKey: string, id: Buffer): string | Buffer {
  return isUtf8(id) ? `${queueKey}:${id}` : Buffer.concat([Buffer.from(`${queueKey}:`), id]);
}
