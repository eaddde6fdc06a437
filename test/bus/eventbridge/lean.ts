import http from 'node:http';
import type https from 'node:https';
import { EventBridgeClient, type EventBridgeClientConfig } from '@aws-sdk/client-eventbridge';
import { onTestFinished } from 'vitest';
import { leanPutEventsOf } from '../../../functions/bus/eventbridge/lean-sender.ts';
import type { PutEvents } from '../../../functions/bus/eventbridge/port.ts';
import type { BusEntry } from '../../../functions/event/bus-entry.ts';
import { listen } from '../../listen.ts';

export const SECRET = 'secret/+';
export const ENTRY: BusEntry = {
  Source: 'bullmq',
  DetailType: 'Job Completed',
  Time: new Date(1_795_398_834_833),
  Detail: '{"id":"ü😀\\ud800\\"","n":1}',
};
export const ACCEPTED = JSON.stringify({ FailedEntryCount: 0, Entries: [{ EventId: '1' }] });

/** A request as the server got it. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A server that answers each request in this way, with what it received. */
export async function startServer(
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
  return { received, server, url: `http://127.0.0.1:${port}` };
}

/** Milliseconds that both senders wait for an answer, unless a test is about one that does not come. */
const PATIENCE = 10_000;

/** A client of the AWS SDK; this in place of what it is by default here. */
export function clientOf(config: EventBridgeClientConfig): EventBridgeClient {
  const client = new EventBridgeClient({
    region: 'eu-west-1',
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: SECRET },
    maxAttempts: 1,
    requestHandler: { requestTimeout: PATIENCE, throwOnRequestTimeout: true },
    ...config,
  });
  onTestFinished(() => client.destroy());
  return client;
}

/** The lean sender with what a client knows. */
export function leanOf(client: EventBridgeClient, now = () => new Date(), requestTimeout = PATIENCE): PutEvents {
  return leanPutEventsOf(client, { busName: 'bus', now, connections: 1, connectionTimeout: 2000, requestTimeout });
}
