import { once } from 'node:events';
import https from 'node:https';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { expect, onTestFinished, test } from 'vitest';
import { start, stop } from '../../../local/process.ts';
import { ownAuthority } from '../../certificates.ts';
import { testWith } from '../../test-with.ts';
import { clientsOf } from './clients.ts';

/** Starts it until the test ends. @returns its URL */
async function startBus(...args: string[]): Promise<string> {
  const main = fileURLToPath(new URL('../../../local/bus/main.ts', import.meta.url));
  const child = start(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => stop(child));
  return String((await once(child.stdout as Readable, 'data'))[0]).trim();
}

test('the bus in its own process prints its URL, and counts', async () => {
  const url = await startBus('--bus', 'bus');
  const { events, destroy } = clientsOf(url);
  onTestFinished(destroy);

  const entry = { Source: 's', DetailType: 't', Detail: '{}', EventBusName: 'bus' };
  await events.send(new PutEventsCommand({ Entries: [entry, entry] }));

  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(await (await fetch(`${url}/stats`)).json()).toEqual({ requests: 1, entries: 2, bytes: 8 });
});

testWith('openssl')('with a certificate, it uses TLS', async () => {
  const authority = ownAuthority();
  const { cert, key } = authority.sign('IP:127.0.0.1');

  const url = await startBus('--cert', cert, '--key', key);
  const [response] = await once(https.get(`${url}/stats`, { ca: authority.ca, agent: false }), 'response');
  response.resume();

  expect(url).toMatch(/^https:/);
  expect(response.statusCode).toBe(200);
});
