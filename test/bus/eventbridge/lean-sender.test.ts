import { fc, test as property } from '@fast-check/vitest';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { endpointOf } from '../../../functions/bus/eventbridge/lean-sender.ts';
import { putEventsOf } from '../../../functions/bus/eventbridge/sdk-sender.ts';
import { judgeFailure } from '../../../functions/bus/verdict.ts';
import { anyCharacter } from '../../any-character.ts';
import { repetitions } from '../../effort.ts';
import { authorizationOf } from '../../sigv4.ts';
import { ACCEPTED, clientOf, ENTRY, leanOf, type Received, SECRET, startServer } from './lean.ts';

afterEach(() => void vi.unstubAllEnvs());

describe('the request', () => {
  test.each([
    ['at the root', '', undefined],
    ['at a path', '/proxy/x', undefined],
    ['with a session token', '', 'tok/en=='],
  ])('%s is the same as that of the SDK, and AWS accepts its signature', async (_, path, sessionToken) => {
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

  test('has the trace of its invocation, like the request of the SDK', async () => {
    vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', 'forward');
    vi.stubEnv('_X_AMZN_TRACE_ID', 'Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1');
    const { received, url } = await startServer();
    const client = clientOf({ endpoint: url });

    await putEventsOf(client, 'bus')([ENTRY]);
    await leanOf(client)([ENTRY]);

    const traces = received.map(({ headers }) => headers['x-amzn-trace-id']);
    expect(traces).toEqual(new Array(2).fill('Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1'));
  });

  test.each([
    ['at the root', '', {}],
    ['at a path, with a session token', '/x', { sessionToken: 'tok/en==' }],
    ['at a path that needs escapes', '//a b/%20(c)*!/ü/../~d//', {}],
  ])('%s has the same signature as from the signer of the SDK', async (_, prefix, token) => {
    const { received, url } = await startServer();
    const client = clientOf({
      endpoint: `${url}${prefix}`,
      credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: SECRET, ...token },
    });
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
        fc.record(
          {
            Source: fc.string({ unit: anyCharacter }),
            DetailType: fc.string(),
            Detail: fc.string({ unit: anyCharacter }),
            Time: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(8.64e15) }),
            TraceHeader: fc.string(),
          },
          { requiredKeys: ['Source', 'DetailType', 'Detail'] },
        ),
        { minLength: 1, maxLength: 3 },
      ),
    ],
    { numRuns: repetitions(50, 15) },
  )('has the same body as the request of the SDK', async (entries) => {
    const bodies: unknown[] = [];
    const { received, server, url } = await startServer();
    const client = clientOf({ endpoint: url });
    await putEventsOf(client, 'bus')(entries);
    await leanOf(client)(entries);
    bodies.push(...received.map(({ body }) => body.toString()));
    server.close();
    expect(bodies[1]).toBe(bodies[0]);
  });

  test('is signed with the current credentials', async () => {
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

  test('without credentials is denied', async () => {
    const { received, url } = await startServer();
    const credentials = async () => {
      throw Object.assign(new Error('no credentials'), { name: 'CredentialsProviderError' });
    };

    await expect(leanOf(clientOf({ endpoint: url, credentials }))([ENTRY])).rejects.toSatisfy(
      (error) => judgeFailure(error).kind === 'denied',
    );
    expect(received).toEqual([]);
  });

  test('after a refusal for a wrong clock is signed by the clock of the server', async () => {
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
  test.each([
    ['a region', { region: 'eu-west-1' }, 'https://events.eu-west-1.amazonaws.com/'],
    ['a region in China', { region: 'cn-north-1' }, 'https://events.cn-north-1.amazonaws.com.cn/'],
    ['a region of a government', { region: 'us-gov-west-1' }, 'https://events.us-gov-west-1.amazonaws.com/'],
    ['FIPS', { region: 'us-east-1', useFipsEndpoint: true }, 'https://events-fips.us-east-1.amazonaws.com/'],
    ['IPv6', { region: 'eu-west-1', useDualstackEndpoint: true }, 'https://events.eu-west-1.api.aws/'],
    ['an endpoint', { endpoint: 'http://127.0.0.1:4566/x' }, 'http://127.0.0.1:4566/x/'],
    ['AWS_ENDPOINT_URL', {}, 'http://127.0.0.1:1/', { AWS_ENDPOINT_URL: 'http://127.0.0.1:1' }],
    [
      'AWS_ENDPOINT_URL_EVENTBRIDGE',
      {},
      'http://127.0.0.1:2/',
      { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_ENDPOINT_URL_EVENTBRIDGE: 'http://127.0.0.1:2' },
    ],
  ])(
    'for %s is the endpoint of the SDK',
    async (_, config, expected, environment?: Readonly<Record<string, string>>) => {
      for (const [name, value] of Object.entries(environment ?? {})) vi.stubEnv(name, value);
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
    },
  );
});
