import { partition } from '@aws-sdk/core/client';
import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsConnection, AwsIdentity } from '../../aws-identity.ts';

/**
 * Stores an object; the same key again replaces it.
 *
 * Throws an error with S3's code as its name and with the status, as the clients of the AWS SDK do; it is not retried
 * here.
 */
export type PutObject = (key: string, body: Buffer) => Promise<void>;

export interface PayloadBucketOptions {
  readonly bucket: string;
  /** Of S3, instead of AWS's own in the client's region. */
  readonly endpoint?: string | undefined;
  readonly identity: AwsIdentity;
  readonly connection: AwsConnection;
  readonly now: () => Date;
}

/** Milliseconds until a call is given up whatever is under way; the client's own timeouts come before it. */
const CALL_TIMEOUT = 10_000;

/**
 * Stores objects in a bucket in the name of the function, over the connections of another service's client.
 *
 * One PutObject, signed and sent by the parts that every client of the AWS SDK is made of: the client of S3 itself
 * would add half as much again to the bundle. How the object is encrypted is left to the bucket: S3 encrypts all of
 * them. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
 */
export function putObjectIn({ bucket, endpoint, identity, connection, now }: PayloadBucketOptions): PutObject {
  const { credentials, region, sha256 } = identity;
  // S3's rule: the path is signed as it is sent.
  const signer = new SignatureV4({ credentials, region, sha256, service: 's3', uriEscapePath: false });

  async function address(): Promise<URL> {
    if (endpoint !== undefined) return new URL(`${endpoint.replace(/\/$/, '')}/${bucket}`);
    const where = await region();
    const service = (await connection.useFipsEndpoint()) ? 's3-fips' : 's3';
    const host = `${service}.${where}.${partition(where).dnsSuffix}`;
    // No certificate is good for a bucket with a dot in its name, nor for what is no host name.
    return new URL(/^[a-z\d-]{3,63}$/.test(bucket) ? `https://${bucket}.${host}` : `https://${host}/${bucket}`);
  }

  return async (key, body) => {
    const { protocol, hostname, host, port, pathname } = await address();
    const request = {
      method: 'PUT',
      protocol,
      hostname,
      ...(port && { port: Number(port) }),
      path: `${pathname.replace(/\/$/, '')}/${encodeKey(key)}`,
      query: {},
      headers: { host, 'content-type': 'application/json', 'content-length': `${body.length}` },
      body,
    };
    const signed = await signer.sign(request, { signingDate: now() });
    const abortSignal = AbortSignal.timeout(CALL_TIMEOUT);
    const { response } = await connection.requestHandler.handle(signed, { abortSignal });
    const answer = Buffer.from(await connection.streamCollector(response.body)).toString();
    // Whatever stands between may answer 200, too; only S3 has an ETag for the object.
    if (response.statusCode !== 200 || !response.headers['etag']) throw failureOf(response.statusCode, answer);
  };
}

/**
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html: all but unreserved characters, slashes
 * stay.
 */
function encodeKey(key: string): string {
  const percent = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return key
    .split('/')
    .map((part) => encodeURIComponent(part).replace(/[!'()*]/g, percent))
    .join('/');
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
function failureOf(status: number, xml: string): Error {
  const textOf = (tag: string) => new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(xml)?.[1];
  const error = new Error(textOf('Message') ?? `S3 answered with status ${status}`);
  return Object.assign(error, { name: textOf('Code') ?? `Http${status}`, $metadata: { httpStatusCode: status } });
}
