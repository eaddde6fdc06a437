import { createHash, createHmac } from 'node:crypto';

/**
 * The signature that a presigned `GET` without its scheme should have, by the steps that AWS publishes.
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 * @param payload what stands for the body; the hash of none for most services
 */
export function signatureOf(presigned: string, secretKey: string, payload = sha256('')): string {
  const [, host = '', path = '', query = ''] = /^([^/]+)(\/[^?]*)\?(.*)$/.exec(presigned) ?? [];
  const parameters = query
    .split('&')
    .map((pair) => pair.split('=').map((text) => encode(decodeURIComponent(text))) as [string, string])
    .filter(([name]) => name !== 'X-Amz-Signature')
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const parameter = (wanted: string) => decodeURIComponent(parameters.find(([name]) => name === wanted)?.[1] ?? '');
  const [, date = '', region = '', service = '', end = ''] = parameter('X-Amz-Credential').split('/');
  const canonicalQuery = parameters.map((pair) => pair.join('=')).join('&');
  const canonicalRequest = ['GET', path, canonicalQuery, `host:${host}\n`, 'host', payload].join('\n');
  const scope = [date, region, service, end].join('/');
  const toSign = ['AWS4-HMAC-SHA256', parameter('X-Amz-Date'), scope, sha256(canonicalRequest)].join('\n');
  return hmac(signingKey(secretKey, [date, region, service, end]), toSign).toString('hex');
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(text: string | Buffer): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** A request as a server gets it. */
interface SignedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** The `Authorization` that a request without a query should have, by the same steps, for the headers that it says it signs. */
export function authorizationOf({ method, path, headers, body }: SignedRequest, secretKey: string): string {
  const given = String(headers['authorization']);
  const [, credential = '', names = ''] = /Credential=([^,]+), SignedHeaders=([^,]+)/.exec(given) ?? [];
  const scope = credential.split('/').slice(1);
  const signed = names.split(';').map((name) => `${name}:${String(headers[name]).trim()}\n`);
  const canonicalRequest = [method, path, '', signed.join(''), names, sha256(body)].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope.join('/'), sha256(canonicalRequest)].join('\n');
  const signature = hmac(signingKey(secretKey, scope), toSign).toString('hex');
  return `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`;
}

function signingKey(secretKey: string, scope: readonly string[]): string | Buffer {
  return scope.reduce((secret: string | Buffer, text) => hmac(secret, text), `AWS4${secretKey}`);
}
