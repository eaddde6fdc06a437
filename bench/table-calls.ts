import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** The calls to a table, as they are charged: a row of less than 4 kB read is a unit, one of less than 1 kB written, too. */
export interface TableCalls {
  readonly calls: number;
  readonly reads: number;
  readonly writes: number;
}

/** A place that passes calls on to DynamoDB, and counts them. */
export interface CountingTable extends AsyncDisposable {
  readonly url: string;
  /** What was counted since it was last asked. */
  take(): TableCalls;
}

/** Starts it in front of a server of which only BatchGetItem and UpdateItem are asked. */
export async function countTableCalls(dynamoUrl: string): Promise<CountingTable> {
  let counted = { calls: 0, reads: 0, writes: 0 };
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const { RequestItems = {} }: { RequestItems?: Record<string, { Keys?: unknown[] }> } = JSON.parse(`${body}`);
    counted.calls += 1;
    for (const { Keys = [] } of Object.values(RequestItems)) counted.reads += Keys.length;
    if (String(request.headers['x-amz-target']).endsWith('.UpdateItem')) counted.writes += 1;
    const { host, connection, 'content-length': length, ...headers } = request.headers;
    const answer = await fetch(dynamoUrl, { method: 'POST', headers: headers as Record<string, string>, body });
    response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take() {
      const taken = counted;
      counted = { calls: 0, reads: 0, writes: 0 };
      return taken;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}
