import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { expect, onTestFinished, test } from 'vitest';
import { clientsOf } from './clients.ts';

test('the bus in a process of its own prints where it is, and counts', async () => {
  const main = fileURLToPath(new URL('../../../local/bus/main.ts', import.meta.url));
  const child = spawn(process.execPath, [main, '--bus', 'bus'], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    child.kill();
    await once(child, 'exit');
  });
  const url = String((await once(child.stdout, 'data'))[0]).trim();
  const { events, destroy } = clientsOf(url);
  onTestFinished(destroy);

  const entry = { Source: 's', DetailType: 't', Detail: '{}', EventBusName: 'bus' };
  await events.send(new PutEventsCommand({ Entries: [entry, entry] }));

  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(await (await fetch(`${url}/stats`)).json()).toEqual({ requests: 1, entries: 2, bytes: 8 });
});
