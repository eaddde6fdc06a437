import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { EventBridgeClient, type EventBridgeClientConfig } from '@aws-sdk/client-eventbridge';
import { fc, test as property } from '@fast-check/vitest';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { BusEntry } from '../../functions/bus/entry.ts';
import { type PutEvents, putEventsOf } from '../../functions/bus/event-bus.ts';
import { endpointOf, leanPutEventsOf } from '../../functions/bus/lean-event-bus.ts';
import { judgeFailure } from '../../functions/bus/verdict.ts';
import { noCertificates, ownAuthority } from '../certificates.ts';
import { authorizationOf } from '../sigv4.ts';

const SECRET = 'secret/+';
const ENTRY: BusEntry = {
  Source: 'bullmq',
  DetailType: 'Job Completed',
  Time: new Date(1_795_398_834_833),
  Detail: '{"id":"ü😀\\ud800\\"","n":1}',
};
const ACCEPTED = JSON.stringify({ FailedEntryCount: 0, Entries: [{ EventId: '1' }] });

interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

async function listen(server: net.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** A server that answers each request in this way, with what it received. */
async function startServer(
  answer: (response: http.ServerResponse) => void = (response) => response.end(ACCEPTED),
  make: (listener: http.RequestListener) => http.Server | https.Server = http.createServer,
) {
  const received: Received[] = [];
  const server = make((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      received.push({ method, path, headers, body: Buffer.concat(chunks) });
      answer(response);
    });
  });
  const port = await listen(server);
  onTestFinished(() => server.closeAllConnections());
  return { received, server, url: `http://127.0.0.1:${port}` };
}

function clientOf(config: EventBridgeClientConfig): EventBridgeClient {
  const client = new EventBridgeClient({
    region: 'eu-west-1',
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: SECRET },
    maxAttempts: 1,
    requestHandler: { requestTimeout: 300, throwOnRequestTimeout: true },
    ...config,
  });
  onTestFinished(() => client.destroy());
  return client;
}

function leanOf(client: EventBridgeClient, now = () => new Date()): PutEvents {
  return leanPutEventsOf(client, { busName: 'bus', now, connections: 1, connectionTimeout: 2000, requestTimeout: 300 });
}

/** What each of the two says of the same failure. */
async function failuresOf(endpoint: string) {
  const client = clientOf({ endpoint });
  const failureOf = (put: PutEvents) =>
    put([ENTRY]).then(
      () => 'accepted',
      (error: unknown) => judgeFailure(error),
    );
  return { lean: await failureOf(leanOf(client)), sdk: await failureOf(putEventsOf(client, 'bus')) };
}

describe('the request', () => {
  test.each([
    ['', undefined],
    ['/proxy/x', undefined],
    ['', 'tok/en=='],
  ])('at "%s" with session token %s is that of the SDK, and signed as AWS signs it', async (path, sessionToken) => {
    const { received, url } = await startServer();
    const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: SECRET, ...(sessionToken && { sessionToken }) };
    const client = clientOf({ endpoint: `${url}${path}`, credentials });

    await putEventsOf(client, 'bus')([ENTRY, { Source: 's', DetailType: 'd', Detail: '{}' }]);
    await leanOf(client)([ENTRY, { Source: 's', DetailType: 'd', Detail: '{}' }]);

    const [sdk, lean] = received as [Received, Received];
    expect(lean.body.toString()).toBe(sdk.body.toString());
    expect(lean.path).toBe(sdk.path);
    for (const name of ['host', 'content-type', 'content-length', 'x-amz-target', 'x-amz-security-token']) {
      expect(lean.headers[name]).toBe(sdk.headers[name]);
    }
    for (const request of [sdk, lean]) expect(request.headers['authorization']).toBe(authorizationOf(request, SECRET));
    expect(lean.headers['authorization']).toContain('SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;');
  });

  test('has the signature that the signer of the SDK makes of it', async () => {
    const { received, url } = await startServer();
    const client = clientOf({ endpoint: url });
    const now = new Date('2026-11-01T12:00:00Z');

    await leanOf(client, () => now)([ENTRY]);

    const [{ method, path, headers, body }] = received as [Received];
    const names = ['host', 'content-type', 'x-amz-target'];
    const unsigned = Object.fromEntries(names.map((name) => [name, String(headers[name])]));
    const { protocol, hostname } = new URL(url);
    const signer = await client.config.signer({
      name: 'sigv4',
      signingName: 'events',
      signingRegion: 'eu-west-1',
      properties: {},
    });
    const signed = await signer.sign(
      { method, protocol, hostname, path, headers: unsigned, query: {}, body },
      { signingDate: now },
    );
    expect(headers['authorization']).toBe((signed as { headers: Record<string, string> }).headers['authorization']);
  });

  property.prop(
    [
      fc.array(
        fc.record({
          Source: fc.string({ unit: 'binary' }),
          DetailType: fc.string(),
          Detail: fc.string({ unit: 'binary' }),
          Time: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(8.64e15) }),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    ],
    { numRuns: 50 },
  )('has the body that the SDK makes of the same entries', async (entries) => {
    const bodies: unknown[] = [];
    const { received, server, url } = await startServer();
    const client = clientOf({ endpoint: url });
    await putEventsOf(client, 'bus')(entries);
    await leanOf(client)(entries);
    bodies.push(...received.map(({ body }) => body.toString()));
    server.close();
    expect(bodies[1]).toBe(bodies[0]);
  });

  test('is signed by the credentials of the moment', async () => {
    const { received, url } = await startServer();
    let n = 0;
    const credentials = async () => {
      n += 1;
      return { accessKeyId: `KEY${n}`, secretAccessKey: `secret${n}`, expiration: new Date(Date.now() + 1000) };
    };
    const put = leanOf(clientOf({ endpoint: url, credentials }));

    await put([ENTRY]);
    await put([ENTRY]);

    const numbers = received.map(({ headers }) => /=KEY(\d+)/.exec(String(headers['authorization']))?.[1]);
    expect(new Set(numbers).size).toBe(2);
    for (const [i, request] of received.entries())
      expect(request.headers['authorization']).toBe(authorizationOf(request, `secret${numbers[i]}`));
  });

  test('that fails for want of credentials is denied', async () => {
    const { received, url } = await startServer();
    const credentials = async () => {
      throw Object.assign(new Error('no credentials'), { name: 'CredentialsProviderError' });
    };

    await expect(leanOf(clientOf({ endpoint: url, credentials }))([ENTRY])).rejects.toSatisfy(
      (error) => judgeFailure(error).kind === 'denied',
    );
    expect(received).toEqual([]);
  });

  test('after one that was refused for a wrong clock is signed by the clock of the server', async () => {
    const wrong = new Date('2026-11-01T12:00:00Z');
    const right = new Date('2026-11-01T15:00:00Z');
    const { received, url } = await startServer((response) => {
      response.setHeader('date', right.toUTCString());
      if (received.length === 1) response.writeHead(403).end('{"__type":"InvalidSignatureException"}');
      else response.end(ACCEPTED);
    });
    const put = leanOf(clientOf({ endpoint: url }), () => wrong);

    await expect(put([ENTRY])).rejects.toMatchObject({ name: 'InvalidSignatureException' });
    await put([ENTRY]);

    expect(received.map(({ headers }) => headers['x-amz-date'])).toEqual(['20261101T120000Z', '20261101T150000Z']);
  });
});

describe('the endpoint', () => {
  afterEach(() => void vi.unstubAllEnvs());

  test.each([
    [{ region: 'eu-west-1' }, {}, 'https://events.eu-west-1.amazonaws.com/'],
    [{ region: 'cn-north-1' }, {}, 'https://events.cn-north-1.amazonaws.com.cn/'],
    [{ region: 'us-gov-west-1' }, {}, 'https://events.us-gov-west-1.amazonaws.com/'],
    [{ region: 'us-east-1', useFipsEndpoint: true }, {}, 'https://events-fips.us-east-1.amazonaws.com/'],
    [{ region: 'eu-west-1', useDualstackEndpoint: true }, {}, 'https://events.eu-west-1.api.aws/'],
    [{ endpoint: 'http://127.0.0.1:4566/x' }, {}, 'http://127.0.0.1:4566/x/'],
    [{}, { AWS_ENDPOINT_URL: 'http://127.0.0.1:1' }, 'http://127.0.0.1:1/'],
    [
      {},
      { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_ENDPOINT_URL_EVENTBRIDGE: 'http://127.0.0.1:2' },
      'http://127.0.0.1:2/',
    ],
  ])('of %j with %j is that of the SDK, %s', async (config, environment, expected) => {
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    const sent = Promise.withResolvers<{ protocol: string; hostname: string; port?: number; path: string }>();
    const handle = async (request: Awaited<typeof sent.promise>) => {
      sent.resolve(request);
      throw new Error('not sent');
    };
    const client = clientOf({ ...config, requestHandler: { handle } as never });
    await expect(putEventsOf(client, 'bus')([ENTRY])).rejects.toThrow('not sent');
    const { protocol, hostname, port, path } = await sent.promise;

    expect((await endpointOf(client)).href).toBe(expected);
    expect(`${protocol}//${hostname}${port ? `:${port}` : ''}${path}`).toBe(expected);
  });
});

describe('an answer', () => {
  const json = (status: number, body: object, headers = {}) => ({ status, headers, body: JSON.stringify(body) });
  const html = '<html>Bad Gateway</html>';

  test.each([
    [
      json(400, { __type: 'com.amazonaws.events#ThrottlingException', message: 'slower' }),
      'throttled',
      'ThrottlingException',
      'slower',
    ],
    [json(400, { __type: 'InternalException:http://x/', Message: 'M' }), 'failed', 'InternalException', 'M'],
    [json(400, { code: 'AccessDeniedException', message: 'no' }), 'denied', 'AccessDeniedException', 'no'],
    [
      json(400, { message: 'm' }, { 'x-amzn-errortype': 'ValidationException:http://x/' }),
      'refused',
      'ValidationException',
      'm',
    ],
    [
      json(404, { __type: 'ResourceNotFoundException', message: 'no bus' }),
      'missing',
      'ResourceNotFoundException',
      'no bus',
    ],
    [
      json(413, { __type: 'RequestEntityTooLargeException', message: 'm' }),
      'refused',
      'RequestEntityTooLargeException',
      'm',
    ],
    [json(429, { __type: 'Whatever', message: 'm' }), 'throttled', 'Whatever', 'm'],
    [json(503, { __type: 'ServiceUnavailable', message: 'm' }), 'failed', 'ServiceUnavailable', 'm'],
  ])('%j is %s with %s, as the SDK has it', async ({ status, headers, body }, kind, code, message) => {
    const { url } = await startServer((response) => response.writeHead(status, headers).end(body));

    const { lean, sdk } = await failuresOf(url);

    expect(lean).toEqual({ kind, code, message });
    expect(lean).toEqual(sdk);
  });

  test.each([
    [413, html, 'refused', 'Http413'],
    [500, html, 'failed', 'Http500'],
    [403, '', 'denied', 'Http403'],
    [503, '', 'failed', 'Http503'],
    [302, html, 'failed', 'Http302'],
    [200, html, 'failed', 'UnreadableAnswer'],
    [200, '{"Entries":[{"EventId":"1"', 'failed', 'UnreadableAnswer'],
    [200, 'null', 'failed', 'UnreadableAnswer'],
  ])('of status %i with %j is %s, as the SDK has it', async (status, body, kind, code) => {
    const { url } = await startServer((response) => response.writeHead(status).end(body));

    const { lean, sdk } = await failuresOf(url);

    expect(lean).toMatchObject({ kind, code });
    // The SDK makes of `null` that there are no results, which are then missing one by one.
    expect(sdk).toMatchObject(body === 'null' ? {} : { kind });
  });

  test('has a result for each entry', async () => {
    const Entries = [{ EventId: '1' }, { ErrorCode: 'InternalFailure', ErrorMessage: 'm' }];
    const { url } = await startServer((response) => response.end(JSON.stringify({ FailedEntryCount: 1, Entries })));

    expect(await leanOf(clientOf({ endpoint: url }))([ENTRY, ENTRY])).toEqual(Entries);
  });
});

describe('a connection that', () => {
  /** A server that writes this as its answer, and then maybe hangs up. */
  async function startRaw(answer: string | undefined, hangsUp: boolean): Promise<string> {
    const sockets = new Set<net.Socket>();
    const server = net.createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.once('data', () => {
        if (answer !== undefined) socket.write(answer);
        if (hangsUp) socket.end();
      });
    });
    const port = await listen(server);
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
    });
    return `http://127.0.0.1:${port}`;
  }
  const head = (length: number) =>
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;

  test.each([
    ['hangs before the answer', undefined, false],
    ['hangs in the middle of the head', 'HTTP/1.1 200 OK\r\ncontent', false],
    ['hangs in the middle of the answer', `${head(100)}{"Entries":[`, false],
    ['is closed without an answer', undefined, true],
    ['is closed in the middle of the answer', `${head(100)}{"Entries":[`, true],
    ['answers no HTTP', 'hello\r\n\r\n', false],
    ['answers less than it says', `${head(ACCEPTED.length - 3)}${ACCEPTED}`, true],
  ])('%s is a failure to try again', async (_, answer, hangsUp) => {
    const client = clientOf({ endpoint: await startRaw(answer, hangsUp) });

    // The SDK's own client is not asked: it waits for the end of an answer for ever.
    await expect(leanOf(client)([ENTRY])).rejects.toSatisfy((error) => judgeFailure(error).kind === 'failed');
  });

  test('cannot be made is a failure to try again', async () => {
    const server = net.createServer();
    const port = await listen(server);
    server.close();
    await once(server, 'close');

    const { lean, sdk } = await failuresOf(`http://127.0.0.1:${port}`);

    expect(lean).toMatchObject({ kind: 'failed', message: expect.stringContaining('ECONNREFUSED') });
    expect(sdk).toMatchObject({ kind: 'failed' });
  });

  test('the server closed between two requests is replaced', async () => {
    const { received, server, url } = await startServer();
    const put = leanOf(clientOf({ endpoint: url }));
    await put([ENTRY]);
    server.closeAllConnections();

    const verdicts: string[] = [];
    await expect
      .poll(async () => {
        verdicts.push(
          await put([ENTRY]).then(
            () => 'accepted',
            (error: unknown) => judgeFailure(error).kind,
          ),
        );
        return verdicts.at(-1);
      })
      .toBe('accepted');
    expect(verdicts.filter((kind) => kind !== 'accepted' && kind !== 'failed')).toEqual([]);
    expect(received.length).toBeGreaterThanOrEqual(2);
  });

  test('is there is used again', async () => {
    const { server, url } = await startServer();
    let connections = 0;
    server.on('connection', () => {
      connections += 1;
    });
    const put = leanOf(clientOf({ endpoint: url }));

    for (let n = 0; n < 5; n += 1) await put([ENTRY]);

    expect(connections).toBe(1);
  });

  test.skipIf(noCertificates)('speaks TLS is made where the authority is trusted, and else is a failure', async () => {
    const authority = ownAuthority();
    const { cert, key } = authority.sign('DNS:localhost,IP:127.0.0.1');
    const files = { cert: readFileSync(cert), key: readFileSync(key) };
    const { received, url } = await startServer(undefined, (listener) => https.createServer(files, listener));
    const endpoint = url.replace('http:', 'https:');
    expect((await failuresOf(endpoint)).lean).toMatchObject({ kind: 'failed' });

    const before = tls.getCACertificates('default');
    tls.setDefaultCACertificates([...before, authority.ca]);
    onTestFinished(() => tls.setDefaultCACertificates(before));

    expect(await leanOf(clientOf({ endpoint }))([ENTRY])).toEqual([{ EventId: '1' }]);
    expect(received[0]?.headers['authorization']).toBe(authorizationOf(received[0] as Received, SECRET));
  });
});
