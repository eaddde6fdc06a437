import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Answer } from './answer.ts';

/** S3 buckets in memory. */
export interface Objects {
  /** The objects of a bucket as text, by key. */
  texts(bucket: string): ReadonlyMap<string, string>;
  /** Whether a request is for S3: it has no `X-Amz-Target`, and its path is a bucket and a key. */
  isAsked(method: string | undefined, headers: IncomingHttpHeaders): boolean;
  answer(method: string | undefined, path: string, headers: IncomingHttpHeaders, body: Buffer): Answer;
}

export function createObjects(names: readonly string[]): Objects {
  const buckets = new Map<string, Map<string, Buffer>>(names.map((name) => [name, new Map()]));

  function answer(method: string | undefined, path: string, headers: IncomingHttpHeaders, body: Buffer): Answer {
    const [, name = '', key = ''] = /^\/([^/]+)\/([^?]+)/.exec(path)?.map(decodeURIComponent) ?? [];
    const objects = buckets.get(name);
    if (!objects) return objectFailure(404, 'NoSuchBucket', 'The specified bucket does not exist');
    if (method === 'GET') return read(objects.get(key));
    const hash = headers['x-amz-content-sha256'];
    if (hash !== createHash('sha256').update(body).digest('hex')) {
      const message = 'The provided x-amz-content-sha256 header does not match what was computed.';
      return objectFailure(400, 'XAmzContentSHA256Mismatch', message);
    }
    if (Buffer.byteLength(key) > 1024) return objectFailure(400, 'KeyTooLongError', 'Your key is too long');
    objects.set(key, body);
    return { status: 200, body: '', headers: { etag: etagOf(body) } };
  }

  return {
    texts: (bucket) => new Map([...(buckets.get(bucket) ?? [])].map(([key, body]) => [key, body.toString()])),
    isAsked: (method, headers) => (method === 'PUT' || method === 'GET') && headers['x-amz-target'] === undefined,
    answer,
  };
}

function read(object: Buffer | undefined): Answer {
  if (!object) return objectFailure(404, 'NoSuchKey', 'The specified key does not exist.');
  return {
    status: 200,
    body: object.toString(),
    headers: { etag: etagOf(object), 'content-type': 'application/json' },
  };
}

/** A refusal in the format of S3. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
export function objectFailure(status: number, code: string, message: string): Answer {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return { status, body, headers: { 'content-type': 'application/xml' } };
}

function etagOf(body: Buffer): string {
  return `"${createHash('md5').update(body).digest('hex')}"`;
}
