import type { EventEnvelope } from '../functions/event/detail.ts';

/** The call of S3 that a payload reader needs; `new S3()` of `@aws-sdk/client-s3` has it. */
export interface PayloadStore {
  getObject(input: { Bucket: string; Key: string }): Promise<{
    readonly ContentLength?: number | undefined;
    readonly Body?: { transformToString(): Promise<string> } | undefined;
  }>;
}

export interface PayloadReaderOptions {
  /**
   * `new S3()` of `@aws-sdk/client-s3`, or for an `S3Client`
   * `{ getObject: (input) => client.send(new GetObjectCommand(input)) }`.
   */
  readonly s3: PayloadStore;
  /**
   * Names of the buckets that may be read. Anyone who may put events on the bus can name another bucket in an event.
   */
  readonly buckets: readonly string[];
  /** Bytes of the largest object that is read; it takes several times as much memory. @default 32 MiB */
  readonly maxBytes?: number;
}

/** The payload of an event could not be read. The message names the object and the remedy. */
export class PayloadReadError extends Error {
  override readonly name = 'PayloadReadError';
}

/** A member of a group, such as `fields.x`. */
const MEMBER = /^(fields|repeated)\.(.*)$/s;

/**
 * Creates a function that reads the fields of a detail that were too large for EventBridge, and returns the whole
 * detail.
 *
 * A detail without a claim check is returned unchanged.
 *
 * @throws {TypeError} without a bucket
 * @returns a function that throws {@link PayloadReadError}
 */
export function createPayloadReader({ s3, buckets, maxBytes = 32 * 1024 ** 2 }: PayloadReaderOptions) {
  if (buckets.length === 0) throw new TypeError('buckets is []; it must name the buckets that may be read');

  async function read(bucket: string, key: string): Promise<Record<string, unknown>> {
    const where = `s3://${bucket}/${key}`;
    const object = await s3.getObject({ Bucket: bucket, Key: key }).catch((cause: unknown) => {
      const remedy =
        'Check that the function may call s3:GetObject, and that no lifecycle rule deletes objects too soon.';
      throw new PayloadReadError(`${where} could not be read: ${cause}. ${remedy}`, { cause });
    });
    checkSize(where, object.ContentLength);
    const text = (await object.Body?.transformToString()) ?? '';
    return parseObject(where, text);
  }

  function checkSize(where: string, bytes = 0): void {
    if (bytes <= maxBytes) return;
    throw new PayloadReadError(
      `${where} has ${bytes} bytes, and maxBytes is ${maxBytes}: raise it, and the memory of the function.`,
    );
  }

  return async <Detail extends EventEnvelope>(detail: Detail): Promise<Detail> => {
    const { claimCheck } = detail;
    if (!claimCheck) return detail;
    const { bucket, key, fields, bytes } = claimCheck;
    if (!buckets.includes(bucket)) {
      throw new PayloadReadError(`The bucket "${bucket}" may not be read; buckets allows ${buckets.join(', ')}.`);
    }
    const where = `s3://${bucket}/${key}`;
    checkSize(where, bytes);
    const payload = await read(bucket, key);
    const whole = { ...detail } as Record<string, unknown>;
    for (const path of fields) {
      if (!Object.hasOwn(payload, path))
        throw new PayloadReadError(`${where} has no "${path}", which the claim check of the event lists.`);
      const [, group, member = ''] = MEMBER.exec(path) ?? [];
      if (group === undefined) whole[path] = payload[path];
      else whole[group] = { ...(whole[group] as object), [member]: payload[path] };
    }
    return whole as unknown as Detail;
  };
}

function parseObject(where: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // The same error as for other JSON; the message of the parser would quote the text.
  }
  throw new PayloadReadError(`${where} (${text.length} characters) is not a JSON object: bullbridge did not write it.`);
}
