import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type PutEvents, putEventsOf } from '../../functions/bus/event-bus.ts';
import { judgeFailure } from '../../functions/bus/verdict.ts';
import { ownAuthority } from '../certificates.ts';
import { listen } from '../listen.ts';
import { authorizationOf } from '../sigv4.ts';
import { testWith } from '../test-with.ts';
import { ACCEPTED, clientOf, ENTRY, leanOf, type Received, SECRET, startServer } from './lean.ts';

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

  testWith('openssl')('speaks TLS is made where the authority is trusted, and else is a failure', async () => {
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
