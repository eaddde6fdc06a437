import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { describe, expect, onTestFinished, test } from 'vitest';
import { putObjectIn } from '../../../functions/bus/oversize/payload-bucket.ts';
import { startBus } from '../../../local/bus/server.ts';
import { withName } from '../../titles.ts';

const KEY = "default/bull:e mails!*'()/ü+%&=?#/1795398834833-0";
const now = () => new Date('2026-11-01T12:00:00Z');

interface SentRequest {
  readonly hostname: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The request for an object as it is handed to the connection. */
async function requestFor(
  bucket: string,
  region: string,
  { sessionToken, ...more }: { sessionToken?: string; endpoint?: string; useFipsEndpoint?: boolean } = {},
): Promise<SentRequest> {
  const sent = Promise.withResolvers<SentRequest>();
  const client = new EventBridgeClient({
    region,
    useFipsEndpoint: more.useFipsEndpoint ?? false,
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret/+', ...(sessionToken && { sessionToken }) },
    requestHandler: {
      handle: async (request: SentRequest) => {
        sent.resolve(request);
        throw new Error('not sent');
      },
    },
  });
  const put = putObjectIn({ bucket, endpoint: more.endpoint, identity: client.config, connection: client.config, now })(
    KEY,
    Buffer.from('{"returnvalue":"ü😀"}'),
  );
  await expect(put).rejects.toThrow('not sent');
  return sent.promise;
}

describe('the request for an object', () => {
  // Botocore, AWS's own SDK for Python, makes the same addresses and signatures of the same calls.
  test('has the same signature as from Botocore', async () => {
    const { headers } = await requestFor('my-bucket', 'eu-west-1');

    expect(headers).toMatchInlineSnapshot(`
      {
        "authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261101/eu-west-1/s3/aws4_request, SignedHeaders=content-length;content-type;host;x-amz-content-sha256;x-amz-date, Signature=86fb9056e79561c3fddb064c0ab952fb705e20a8780ee7762fefe0a51270236e",
        "content-length": "24",
        "content-type": "application/json",
        "host": "my-bucket.s3.eu-west-1.amazonaws.com",
        "x-amz-content-sha256": "b00a184e8fc91b42a1b3f26ebb95663840453cae13e43e8a7e14894a94d1a744",
        "x-amz-date": "20261101T120000Z",
      }
    `);
    expect((await requestFor('my.bucket', 'cn-north-1', { sessionToken: 'tok/en==' })).headers).toMatchObject({
      'x-amz-security-token': 'tok/en==',
      authorization: expect.stringMatching(
        /Signature=466bd38caddbd8af904e1d94489bc51c403fa3f026f3d8ba725472faa1007fea$/,
      ),
    });
  });

  test.each(
    withName(
      [{}, 'my-bucket', 'eu-west-1', 'my-bucket.s3.eu-west-1.amazonaws.com', '/default'],
      [{}, 'my-bucket', 'cn-north-1', 'my-bucket.s3.cn-north-1.amazonaws.com.cn', '/default'],
      [{ useFipsEndpoint: true }, 'my-bucket', 'us-east-1', 'my-bucket.s3-fips.us-east-1.amazonaws.com', '/default'],
      [{}, 'my.bucket', 'eu-west-1', 's3.eu-west-1.amazonaws.com', '/my.bucket/default'],
      [{}, 'My_Bucket', 'us-east-1', 's3.us-east-1.amazonaws.com', '/My_Bucket/default'],
      [{ endpoint: 'http://127.0.0.1:4566/' }, 'my-bucket', 'eu-west-1', '127.0.0.1', '/my-bucket/default'],
    ),
  )('goes, with %s, for $2 in $3 to $4$5', async (_, options, bucket, region, host, path) => {
    const request = await requestFor(bucket, region, options);

    expect(request.hostname).toBe(host);
    expect(request.path).toBe(`${path}/bull%3Ae%20mails%21%2A%27%28%29/%C3%BC%2B%25%26%3D%3F%23/1795398834833-0`);
  });
});

describe('an object', () => {
  async function started({ bucket = 'payloads', requestTimeout = 10_000 } = {}) {
    const bus = await startBus({ buses: [], buckets: ['payloads'] });
    const client = new EventBridgeClient({
      region: 'eu-west-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      requestHandler: { requestTimeout, throwOnRequestTimeout: true },
    });
    onTestFinished(async () => {
      client.destroy();
      await bus[Symbol.asyncDispose]();
    });
    return {
      bus,
      put: putObjectIn({ bucket, endpoint: bus.url, identity: client.config, connection: client.config, now }),
    };
  }

  test('is stored under its key, and replaced by another object with the same key', async () => {
    const { bus, put } = await started();

    await put(KEY, Buffer.from('{"n":1}'));
    await put(KEY, Buffer.from('{"n":"ü"}'));

    expect([...bus.objects('payloads')]).toEqual([[KEY, '{"n":"ü"}']]);
  });

  test('is refused with the code of S3 and the status', async () => {
    const { put } = await started({ bucket: 'no-such-bucket' });

    await expect(put(KEY, Buffer.from('{}'))).rejects.toMatchObject({
      name: 'NoSuchBucket',
      message: 'The specified bucket does not exist',
      $metadata: { httpStatusCode: 404 },
    });
  });

  test.each([
    [
      'an error',
      { kind: 'error', status: 503, code: 'SlowDown' },
      { name: 'SlowDown', $metadata: { httpStatusCode: 503 } },
    ],
    ['no answer', { kind: 'hang' }, { name: 'TimeoutError' }],
    ['a broken connection', { kind: 'reset' }, { code: 'ECONNRESET' }],
    ['an answer that makes no sense', { kind: 'garbage' }, { name: 'Http200', message: 'S3 answered with status 200' }],
  ] as const)('does not count as stored after %s', async (_, fault, error) => {
    const { bus, put } = await started(fault.kind === 'hang' ? { requestTimeout: 300 } : {});
    bus.faults.putObject = () => fault;

    await expect(put(KEY, Buffer.from('{}'))).rejects.toMatchObject(error);
    expect(bus.objects('payloads').size).toBe(0);
  });
});
