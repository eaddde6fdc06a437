import { isUtf8 } from 'node:buffer';
import { redisError } from '../redis/error.ts';
import { type RedisConnection, ReplyTooLargeError } from '../redis/port.ts';
import { MAX_REPLY_BYTES } from './item-size.ts';

/** Which fields of which job are wanted. */
export interface JobRequest {
  /** What the keys of its queue begin with, without the colon. */
  readonly queueKey: string;
  /** Need not be UTF-8. */
  readonly id: Buffer;
  readonly fields: readonly string[];
}

/** Fields of a job's hash: `null` is not there, and what was too large to be read is missing. */
export type JobHash = ReadonlyMap<string, Buffer | null>;

/** The hashes that came, in the order of the requests, and the bytes of their values. */
export interface JobHashes {
  /** `undefined` for a key that is no job: a job id can be the name of another key of the queue. */
  readonly hashes: readonly (JobHash | undefined)[];
  readonly bytes: number;
}

/** These can have megabytes. */
const LARGE_FIELDS: readonly string[] = ['data', 'opts'];

/**
 * Reads fields of jobs in one pipeline.
 *
 * @param maxBytes without it, there is one request, which is never too large: where its data or its options are, they are missing in its hash
 * @throws {RedisError} when Redis refuses it or the connection fails; {@link ReplyTooLargeError} when more than `maxBytes` arrive
 */
export async function readJobHashes(
  redis: RedisConnection,
  requests: readonly JobRequest[],
  maxBytes: number | undefined,
): Promise<JobHashes> {
  const isLarge = (field: string) => LARGE_FIELDS.includes(field);
  if (maxBytes !== undefined || !requests.some(({ fields }) => fields.some(isLarge)))
    return readAll(redis, requests, maxBytes);
  try {
    return await readAll(redis, requests, MAX_REPLY_BYTES);
  } catch (error) {
    if (!(error instanceof ReplyTooLargeError)) throw error;
    const small = requests.map((request) => ({
      ...request,
      fields: request.fields.filter((field) => !isLarge(field)),
    }));
    return readAll(redis, small, undefined);
  }
}

async function readAll(
  redis: RedisConnection,
  requests: readonly JobRequest[],
  maxBytes: number | undefined,
): Promise<JobHashes> {
  if (requests.length === 0) return { hashes: [], bytes: 0 };
  const replies = await redis.send(
    requests.map(({ queueKey, id, fields }) => ['hmgetBuffer', keyOf(queueKey, id), ...fields]),
    { maxBytes },
  );
  let bytes = 0;
  const hashes = replies.map((reply, i) => {
    const { queueKey, id, fields } = requests[i] as JobRequest;
    if (reply instanceof Error) {
      if (/^WRONGTYPE/.test(reply.message)) return undefined;
      throw redisError(reply, redis.target, `reading jobs of ${queueKey}`);
    }
    const values = reply as (Buffer | null)[];
    bytes += values.reduce((sum, value) => sum + (value?.length ?? 0), id.length);
    return new Map(fields.map((field, n) => [field, values[n] ?? null]));
  });
  return { hashes, bytes };
}

/** A text where it can be one: a command with bytes takes half as long again to write. */
function keyOf(queueKey: string, id: Buffer): string | Buffer {
  return isUtf8(id) ? `${queueKey}:${id}` : Buffer.concat([Buffer.from(`${queueKey}:`), id]);
}
