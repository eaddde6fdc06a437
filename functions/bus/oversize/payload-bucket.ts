import { partition } from '@aws-sdk/core/client';
import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsConnection, AwsIdentity } from '../../aws-identity.ts';

/**
 * Stores an object, without retries; it replaces an object with the same key.
 *
 * @throws an error with S3's code as its name and with the status, like the clients of the AWS SDK
 */
export type PutObject = (key: string, body: Buffer) => Promise<void>;

export interface PayloadBucketOptions {
  readonly bucket: string;
  /** The endpoint of S3. @default the endpoint of AWS in the region of the client */
  readonly endpoint?: string | undefined;
  readonly identity: AwsIdentity;
  readonly connection: AwsConnection;
  readonly now: () => Date;
}

/** Milliseconds until a call is given up in any case; the timeouts of the client are shorter. */
const CALL_TIMEOUT = 10_000;

/**
 * Stores objects in a bucket with the credentials of the function, over the connections of another client.
 *
 * It signs and sends a PutObject with the parts that all clients of the AWS SDK share: the client of S3 would make the
 * bundle half as large again. The bucket decides how objects are encrypted; S3 encrypts all of them.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
 */
export function putObjectIn({ bucket, endpoint, identity, connection, now }: PayloadBucketOptions): PutObject {
  const { credentials, region, sha256 } = identity;
  // A rule of S3: the path is signed as it is sent.
  const signer = new SignatureV4({ credentials, region, sha256, service: 's3', uriEscapePath: false });

  async function address(): Promise<URL> {
    if (endpoint !== undefined) return new URL(`${endpoint.replace(/\/$/, '')}/${bucket}`);
    const where = await region();
    const service = (await connection.useFipsEndpoint()) ? 's3-fips' : 's3';
    const host = `${service}.${where}.${partition(where).dnsSuffix}`;
    // The certificate does not match a bucket with a dot in its name, and not every bucket name is a host name.
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
    // A proxy may also answer 200, but only S3 sends the ETag of the object.
    if (response.statusCode !== 200 || !response.headers['etag']) throw failureOf(response.statusCode, answer);
  };
}

/**
 * Encodes all characters except unreserved ones and slashes:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
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
