import http from 'node:http';
import net from 'node:net';
import { listen } from '../listen.ts';

/** A server between the function and Redis that breaks the connection in the middle of what Redis answers. */
export async function cuttingProxy(target: string): Promise<{ readonly url: string; cutAfter(bytes: number): void }> {
  const { hostname, port } = new URL(target);
  let left = Number.POSITIVE_INFINITY;
  const server = net.createServer((client) => {
    const redis = net.connect(Number(port), hostname);
    const close = () => {
      client.destroy();
      redis.destroy();
    };
    client
      .on('data', (chunk) => redis.write(chunk))
      .on('close', close)
      .on('error', close);
    redis.on('close', close).on('error', close);
    redis.on('data', (chunk) => {
      const part = chunk.subarray(0, left);
      left -= part.length;
      client.write(part);
      if (left > 0) return;
      left = Number.POSITIVE_INFINITY;
      client.destroySoon();
    });
  });
  return {
    url: `redis://127.0.0.1:${await listen(server)}`,
    cutAfter: (bytes) => {
      left = bytes;
    },
  };
}

/** What becomes of a call to DynamoDB: an error instead of it, or its answer lost. */
export type TableFault =
  | { readonly kind: 'error'; readonly status: number; readonly code: string }
  | { readonly kind: 'reset-after-accept' };

/** A server between the function and DynamoDB; `plan` is asked for each call, which are counted from 1. */
export async function faultyTable(
  target: string,
  plan: (call: number) => TableFault | undefined,
): Promise<{ readonly url: string }> {
  let calls = 0;
  const server = http.createServer(async (request, response) => {
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
    calls += 1;
    const fault = plan(calls);
    if (fault?.kind === 'error') {
      const error = JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${fault.code}`, message: 'planned' });
      response.writeHead(fault.status, { 'content-type': 'application/x-amz-json-1.0' }).end(error);
      return;
    }
    const { connection: _, ...headers } = request.headers as Record<string, string>;
    const answer = await fetch(target, { method: 'POST', body, headers });
    const text = await answer.text();
    if (fault) request.socket.destroy();
    else response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.0' }).end(text);
  });
  return { url: `http://127.0.0.1:${await listen(server)}` };
}
