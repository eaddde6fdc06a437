import { explain, type Fault, PayloadError, type PayloadErrorCode } from '../../errors.ts';
import { isLarge, type LargeEntry, MAX_REQUEST_BYTES } from '../../event/bus-entry.ts';
import type { ClaimCheck } from '../../event/detail.ts';
import { GROUPS, groupOf, jsonField, jsonPieces, membersOf } from '../../event/field.ts';
import { backoff, MAX_FAILURES } from '../backoff.ts';
import type { ConcurrencyLimit } from '../concurrency.ts';
import { judgeFailure, type Verdict } from '../verdict.ts';
import { type Choice, choose, isIn, type Sized, sized, sizeOf } from './choose.ts';
import { cut } from './cut.ts';
import type { MakeFit } from './make-fit.ts';
import type { PutObject } from './payload-bucket.ts';

export interface ClaimCheckOptions {
  readonly bucket: string;
  readonly putObject: PutObject;
  /** The limit of entries that are taken apart and stored at the same time: each is in memory in several copies. */
  readonly concurrency: ConcurrencyLimit;
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<unknown>;
  /** A number from 0 to 1, for the jitter. */
  readonly random: () => number;
}

export const PAYLOAD_FAULTS: Readonly<Record<PayloadErrorCode, Fault>> = {
  PAYLOAD_BUCKET_MISSING: {
    cause: 'There is no payload bucket',
    remedy: 'create it, or set PAYLOAD_BUCKET to one that exists',
  },
  PAYLOAD_DENIED: {
    cause: 'The payload bucket does not let bullbridge write',
    remedy: 'grant s3:PutObject on its objects (and kms:GenerateDataKey if it has a key of its own)',
  },
  PAYLOAD_REFUSED: {
    cause: 'The payload bucket refuses an object',
    remedy: 'check that it is in this region',
  },
  PAYLOAD_UNAVAILABLE: {
    cause: 'The payload bucket does not answer',
    remedy: 'the next run tries again; if that fails, too, check that S3 can be reached',
    passes: true,
  },
};

/**
 * Bytes of an entry without the fields that are stored in the bucket.
 *
 * It is small enough for a dead letter, where each quote takes two bytes because it is escaped. So the same fields are
 * stored for the bus and for a dead letter, and the object of an id always has the same content.
 */
const REMAINDER_BYTES = 0.4 * MAX_REQUEST_BYTES;

/** Bytes of a claim check in addition to the bucket, the key and the paths of its fields. */
const CLAIM_CHECK_BYTES = 100;

/**
 * Stores the largest fields of an entry that is too large in a bucket, and puts a claim check into its detail.
 *
 * A failed upload is repeated like a failed request to the bus. An entry is cut if it still does not fit, or if its id
 * is not a valid key of S3.
 */
export function createClaimCheck({ bucket, putObject, concurrency, wait, random }: ClaimCheckOptions): MakeFit {
  async function leaveFields(
    entry: LargeEntry,
    all: readonly Sized[],
    excess: number,
    signal: AbortSignal,
  ): Promise<LargeEntry> {
    const { id: key, envelope, fields } = entry.Detail;
    if (!isObjectKey(key)) return entry;
    // A field of which only the beginning is known is not stored.
    const whole = all.filter(({ field }) => field.whole === undefined);
    const bytesOf = (text: string) => Buffer.byteLength(JSON.stringify(text));
    const fixed = CLAIM_CHECK_BYTES + bucket.length + bytesOf(key);
    const taken = choose(whole, excess + fixed, (path) => bytesOf(path) + 1);
    if (taken.single.length + taken.groups.size === 0) return entry;
    const body = objectOf(taken);
    const paths = [...taken.single.map(({ field }) => field.path), ...taken.groups.keys()];
    const claimCheck: ClaimCheck = { bucket, key, fields: paths, bytes: body.length };
    await store(key, body, signal);
    const gone = new Set(paths);
    const left = fields.filter((field) => !gone.has(field.path) && !isIn(taken.groups, field));
    // An empty group stays, so that a consumer can put its members back.
    const emptied = GROUPS.filter((group) => paths.some((path) => path.startsWith(`${group}.`)))
      .filter((group) => !left.some((field) => groupOf(field) === group))
      .map((group) => jsonField(group, {}));
    return {
      ...entry,
      Detail: {
        id: key,
        envelope: `${envelope},"claimCheck":${JSON.stringify(claimCheck)}`,
        fields: [...left, ...emptied],
      },
    };
  }

  async function store(key: string, body: Buffer, signal: AbortSignal): Promise<void> {
    let failures = 0;
    for (let attempts = 1; ; attempts += 1) {
      signal.throwIfAborted();
      const verdict = await putObject(key, body).then(() => undefined, judgeFailure);
      if (!verdict) return;
      const isPassing = verdict.kind === 'throttled' || verdict.kind === 'failed';
      if (!isPassing) throw payloadError(bucket, verdict);
      if (verdict.kind === 'failed') failures += 1;
      if (failures === MAX_FAILURES) throw payloadError(bucket, verdict);
      await wait(backoff(attempts, random), signal);
    }
  }

  return async (entry, maxBytes, signal) => {
    if (!isLarge(entry)) return entry;
    await concurrency.acquire();
    let stored = false;
    try {
      const all = sized(entry.Detail.fields);
      const size = sizeOf(entry, all);
      const excess = size - Math.min(maxBytes, REMAINDER_BYTES);
      const rest = size <= maxBytes ? entry : await leaveFields(entry, all, excess, signal);
      stored = true;
      return cut(rest, maxBytes);
    } finally {
      concurrency.release(stored ? 'accepted' : 'failed');
    }
  };
}

/** A JSON object of fields, built from the original bytes of their values. */
function objectOf({ single, groups }: Choice): Buffer {
  const values = [
    ...single.map(({ field }) => [field.path, [...jsonPieces(field)]] as const),
    ...Array.from(groups, ([name, members]) => {
      const member = membersOf(members.map(({ field }) => field)).join('');
      return [name, [Buffer.from(member.slice(`"${name}":`.length))]] as const;
    }),
  ];
  const parts = values.flatMap(([path, json], i) => [
    Buffer.from(`${i === 0 ? '{' : ','}${JSON.stringify(path)}:`),
    ...json,
  ]);
  return Buffer.concat([...parts, Buffer.from('}')]);
}

/** Whether an id is a valid key: S3 allows up to 1,024 bytes, and `.` and `..` would be resolved as in a path. */
function isObjectKey(id: unknown): id is string {
  if (typeof id !== 'string' || id === '' || Buffer.byteLength(id) > 1024 || !id.isWellFormed()) return false;
  return !id.split('/').some((part) => part === '.' || part === '..');
}

function payloadError(bucket: string, verdict: Verdict): PayloadError {
  const code = codeOf(verdict);
  const said = `${verdict.code}: ${verdict.message}`;
  return new PayloadError(code, explain(PAYLOAD_FAULTS[code], `"${bucket}"`, said));
}

function codeOf({ kind, code }: Verdict): PayloadErrorCode {
  if (code === 'NoSuchBucket') return 'PAYLOAD_BUCKET_MISSING';
  if (kind === 'failed') return 'PAYLOAD_UNAVAILABLE';
  return kind === 'denied' ? 'PAYLOAD_DENIED' : 'PAYLOAD_REFUSED';
}
