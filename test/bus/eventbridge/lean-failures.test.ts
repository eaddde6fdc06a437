import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test } from 'vitest';
import { leanPutEventsOf } from '../../../functions/bus/eventbridge/lean-sender.ts';
import type { PutEvents } from '../../../functions/bus/eventbridge/port.ts';
import { putEventsOf } from '../../../functions/bus/eventbridge/sdk-sender.ts';
import { judgeFailure } from '../../../functions/bus/verdict.ts';
import { ownAuthority } from '../../certificates.ts';
import { listen } from '../../listen.ts';
import { authorizationOf } from '../../sigv4.ts';
import { testWith } from '../../test-with.ts';
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

/** A server in a thread of its own, which says when it received a request, and answers all of them when it is told to. */
async function startWorker() {
  const code = `
    const { parentPort } = require('node:worker_threads');
    const waiting = [];
    const server = require('node:http').createServer((request, response) => {
      request.resume().on('end', () => { waiting.push(response); parentPort.postMessage('received'); });
    });
    parentPort.on('message', () => { for (const response of waiting) response.end(${JSON.stringify(ACCEPTED)}); });
    server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`;
  const worker = new Worker(code, { eval: true });
  onTestFinished(async () => void (await worker.terminate()));
  const [port] = await once(worker, 'message');
  return { worker, url: `http://127.0.0.1:${port}` };
}

describe('an answer', () => {
  const json = (status: number, body: object, headers = {}) => ({ status, headers, body: JSON.stringify(body) });
  const html = '<html>Bad Gateway</html>';

  test.each([
    [
      'with a name space',
      json(400, { __type: 'com.amazonaws.events#ThrottlingException', message: 'slower' }),
      { kind: 'throttled', code: 'ThrottlingException', message: 'slower' },
    ],
    [
      'with a link and a capital',
      json(400, { __type: 'InternalException:http://x/', Message: 'M' }),
      { kind: 'failed', code: 'InternalException', message: 'M' },
    ],
    [
      'with a code',
      json(400, { code: 'AccessDeniedException', message: 'no' }),
      { kind: 'denied', code: 'AccessDeniedException', message: 'no' },
    ],
    [
      'with a header',
      json(400, { message: 'm' }, { 'x-amzn-errortype': 'ValidationException:http://x/' }),
      { kind: 'refused', code: 'ValidationException', message: 'm' },
    ],
    [
      'of status 404',
      json(404, { __type: 'ResourceNotFoundException', message: 'no bus' }),
      { kind: 'missing', code: 'ResourceNotFoundException', message: 'no bus' },
    ],
    [
      'of status 413',
      json(413, { __type: 'RequestEntityTooLargeException', message: 'm' }),
      { kind: 'refused', code: 'RequestEntityTooLargeException', message: 'm' },
    ],
    [
      'of status 429',
      json(429, { __type: 'Whatever', message: 'm' }),
      { kind: 'throttled', code: 'Whatever', message: 'm' },
    ],
    [
      'of status 503',
      json(503, { __type: 'ServiceUnavailable', message: 'm' }),
      { kind: 'failed', code: 'ServiceUnavailable', message: 'm' },
    ],
  ])('%s has the kind, code and message that the SDK reads', async (_, { status, headers, body }, expected) => {
    const { url } = await startServer((response) => response.writeHead(status, headers).end(body));

    const { lean, sdk } = await failuresOf(url);

    expect(lean).toEqual(expected);
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
  ])('of status %i with the body %j is %s, as with the SDK', async (status, body, kind, code) => {
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
    ['answers something else than HTTP', 'hello\r\n\r\n', false],
    ['answers less than it says', `${head(ACCEPTED.length - 3)}${ACCEPTED}`, true],
  ])('%s is a failure to try again', async (_, answer, hangsUp) => {
    const client = clientOf({ endpoint: await startRaw(answer, hangsUp) });

    // The SDK's own client is not asked: it waits for the end of an answer for ever.
    const put = leanOf(client, undefined, hangsUp ? undefined : 300);
    await expect(put([ENTRY])).rejects.toSatisfy((error) => judgeFailure(error).kind === 'failed');
  });

  test.each([1, 10])('is in time if this process was too busy to read %i answers', async (count) => {
    const { url, worker } = await startWorker();
    const client = clientOf({ endpoint: url });
    const options = { busName: 'bus', now: () => new Date(), connections: count, connectionTimeout: 2000 };
    const put = leanPutEventsOf(client, { ...options, requestTimeout: 500 });
    const answers = Promise.allSettled(Array.from({ length: count }, () => put([ENTRY])));
    for (let received = 0; received < count; received += 1) await once(worker, 'message');

    worker.postMessage('answer');
    // Nothing is read meanwhile.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);

    expect((await answers).map(({ status }) => status)).toEqual(Array(count).fill('fulfilled'));
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

  test('was closed by the server between two requests is replaced', async () => {
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

  test('is open is used again', async () => {
    const { server, url } = await startServer();
    let connections = 0;
    server.on('connection', () => {
      connections += 1;
    });
    const put = leanOf(clientOf({ endpoint: url }));

    for (let n = 0; n < 5; n += 1) await put([ENTRY]);

    expect(connections).toBe(1);
  });

  testWith('openssl')('uses TLS needs a trusted authority', async () => {
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
