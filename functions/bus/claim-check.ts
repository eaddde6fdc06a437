import { StringDecoder } from 'node:string_decoder';
import { PayloadError } from '../errors.ts';
import type { ClaimCheck } from '../event/detail.ts';
import { type BusEntry, entryBytes, fits, type LargeField, MAX_REQUEST_BYTES } from '../event/entry.ts';
import { type Detail, nextField } from '../event/fields.ts';
import { backoff, MAX_FAILURES } from './backoff.ts';
import type { ConcurrencyLimit } from './concurrency.ts';
import type { PutObject } from './payload-bucket.ts';
import type { Shrink } from './shrink.ts';
import { truncate } from './truncate.ts';
import { judgeFailure, type Verdict } from './verdict.ts';

export interface ClaimCheckOptions {
  readonly bucket: string;
  readonly putObject: PutObject;
  /** Of the entries that are taken apart and stored at once: each is in memory several times over. */
  readonly concurrency: ConcurrencyLimit;
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<unknown>;
  /** A number from 0 to 1, for the jitter. */
  readonly random: () => number;
}

/**
 * Bytes of an entry without the fields it leaves in the bucket.
 *
 * So few that it also fits into a dead letter, where each quote is escaped and takes two: an entry leaves the same fields
 * wherever it turns out to be too large, and the object of an id has the same content each time it is stored.
 */
const REMAINDER_BYTES = 0.4 * MAX_REQUEST_BYTES;

/** Bytes of a text that become JSON at once: the whole would be in memory several times over. */
const PIECE_BYTES = 64 * 1024;

/**
 * Leaves the largest fields of an entry that does not fit in a bucket, and a claim check for them in its detail.
 *
 * A failed upload is tried again as a failed request to the bus is; what still does not fit, or has an id that S3 takes for no
 * key, is cut.
 */
export function createClaimCheck({ bucket, putObject, concurrency, wait, random }: ClaimCheckOptions): Shrink {
  async function leaveFields(entry: BusEntry, maxBytes: number, signal: AbortSignal): Promise<BusEntry> {
    const detail: Detail = JSON.parse(entry.Detail);
    const key = detail['id'];
    if ('claimCheck' in detail || !isObjectKey(key)) return entry;
    const { large = [], ...rest } = entry;
    const taken = [...large.map(jsonOf), ...takeFields(detail, large.length, entryBytes(rest) - maxBytes)];
    if (taken.length === 0) return entry;
    const body = objectOf(taken);
    const claimCheck: ClaimCheck = { bucket, key, fields: taken.map(([path]) => path), bytes: body.length };
    await store(key, body, signal);
    return { ...rest, Detail: JSON.stringify({ ...detail, claimCheck }) };
  }

  async function store(key: string, body: Buffer, signal: AbortSignal): Promise<void> {
    let failures = 0;
    for (let attempts = 1; ; attempts += 1) {
      signal.throwIfAborted();
      const verdict = await putObject(key, body).then(() => undefined, judgeFailure);
      if (!verdict) return;
      // 301, for a bucket of another region: it will not come back.
      const isPassing = verdict.kind === 'throttled' || verdict.kind === 'failed';
      if (!isPassing || verdict.code === 'PermanentRedirect') throw refused(bucket, verdict);
      if (verdict.kind === 'failed') failures += 1;
      if (failures === MAX_FAILURES) throw unavailable(bucket, verdict);
      await wait(backoff(attempts, random), signal);
    }
  }

  return async (entry, maxBytes, signal) => {
    if (fits(entry, maxBytes)) return entry;
    await concurrency.acquire();
    let stored = false;
    try {
      const rest = await leaveFields(entry, Math.min(maxBytes, REMAINDER_BYTES), signal);
      stored = true;
      return truncate(rest, maxBytes);
    } finally {
      concurrency.release(stored ? 'accepted' : 'failed');
    }
  };
}

/** A field that is out of its detail: its path, and its value as JSON, in pieces. */
type Taken = readonly [path: string, json: readonly Buffer[]];

/** Takes the largest fields out of a detail where `listed` are out already, until it has so many bytes less. */
function takeFields(detail: Detail, listed: number, excess: number): Taken[] {
  const taken: Taken[] = [];
  for (let left = excess; left > 0; ) {
    const field = nextField(detail, listed + taken.length);
    if (!field) break;
    taken.push([field.path, [Buffer.from(JSON.stringify(field.owner[field.name]))]]);
    delete field.owner[field.name];
    left -= field.bytes;
  }
  return taken;
}

function jsonOf({ path, value, isJson }: LargeField): Taken {
  return [path, isJson ? [value] : jsonOfText(value)];
}

/** A text as JSON. */
function jsonOfText(bytes: Buffer): Buffer[] {
  const decoder = new StringDecoder();
  const pieces: Buffer[] = [];
  const add = (text: string) => pieces.push(Buffer.from(JSON.stringify(text).slice(1, -1)));
  for (let i = 0; i < bytes.length; i += PIECE_BYTES) add(decoder.write(bytes.subarray(i, i + PIECE_BYTES)));
  add(decoder.end());
  const quote = Buffer.from('"');
  return [quote, ...pieces, quote];
}

/** A JSON object, put together from the bytes that its values came in. */
function objectOf(fields: readonly Taken[]): Buffer {
  const parts = fields.flatMap(([path, json], i) => [
    Buffer.from(`${i === 0 ? '{' : ','}${JSON.stringify(path)}:`),
    ...json,
  ]);
  return Buffer.concat([...parts, Buffer.from('}')]);
}

/** S3 takes keys of 1,024 bytes at most, and resolves `.` and `..` as in a path. */
function isObjectKey(id: unknown): id is string {
  if (typeof id !== 'string' || id === '' || Buffer.byteLength(id) > 1024 || !id.isWellFormed()) return false;
  return !id.split('/').some((part) => part === '.' || part === '..');
}

function refused(bucket: string, { kind, code, message }: Verdict): PayloadError {
  const isMissing = code === 'NoSuchBucket';
  const remedy = isMissing
    ? 'create it, or set PAYLOAD_BUCKET to one that exists'
    : `grant s3:PutObject on arn:aws:s3:::${bucket}/* (and kms:GenerateDataKey where it has a key of its own), and check that it is in this region`;
  return new PayloadError(
    isMissing ? 'PAYLOAD_BUCKET_MISSING' : kind === 'denied' ? 'PAYLOAD_DENIED' : 'PAYLOAD_REFUSED',
    `The bucket "${bucket}" (PAYLOAD_BUCKET) does not take what is too large for the event bus: ${code}: ${message}. ` +
      `Nothing is skipped: ${remedy}, and the next run goes on here.`,
  );
}

function unavailable(bucket: string, { code, message }: Verdict): PayloadError {
  return new PayloadError(
    'PAYLOAD_UNAVAILABLE',
    `The bucket "${bucket}" (PAYLOAD_BUCKET) failed ${MAX_FAILURES} times in a row, at last with ${code}: ${message}. ` +
      'Nothing is skipped: the next run tries again. If it goes on, check that s3:PutObject is granted and S3 can be reached.',
  );
}
