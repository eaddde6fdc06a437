import { randomUUID } from 'node:crypto';
import { CreateEventBusCommand, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { CreateQueueCommand, GetQueueAttributesCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import type { BusEvent } from '../../local/bus/event-buses.ts';
import { clientsOf } from '../local/bus/clients.ts';
import { type Connection, describeBusConformance, type Take } from '../local/bus/conformance.ts';

const endpoint = process.env['AWS_ENDPOINT_URL'];
if (!endpoint) throw new Error('There is no AWS_ENDPOINT_URL: these tests run by `npm run test:localstack`.');

/** How often to ask a queue, a second each time, until an event has to be there. */
const ATTEMPTS = 60;

describeBusConformance('LocalStack', () => connect(endpoint), {
  refusesNoEntries: false,
  refusesReservedSources: false,
  dropsLongDetailTypes: false,
  refusesDeepDetails: false,
  // Its own limit is another; the plugin that runs it without Docker brings AWS's.
  oversize: process.env['LOCALSTACK_HOSTMODE'] ? { status: 400, name: 'ValidationException' } : undefined,
});

async function connect(url: string): Promise<Connection> {
  const { events, sqs, destroy } = clientsOf(url);
  const bus = `conformance-${randomUUID()}`;
  await events.send(new CreateEventBusCommand({ Name: bus }));
  // Who asks needs no signature here, and the region that it has then needs no location.
  const created = await fetch(`${url}/${bus}`, { method: 'PUT' });
  if (!created.ok) throw new Error(`no bucket was created: ${await created.text()}`);

  async function subscribe(pattern: object): Promise<Take> {
    const name = randomUUID();
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
    const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] });
    const { Attributes } = await sqs.send(command);
    const EventPattern = JSON.stringify(pattern);
    await events.send(new PutRuleCommand({ Name: name, EventBusName: bus, EventPattern }));
    const Targets = [{ Id: 'queue', Arn: Attributes?.['QueueArn'] }];
    await events.send(new PutTargetsCommand({ Rule: name, EventBusName: bus, Targets }));
    return async (count) => {
      const taken: BusEvent[] = [];
      for (let attempt = 0; attempt < ATTEMPTS && taken.length < count; attempt += 1) {
        const { Messages = [] } = await sqs.send(
          new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 1, MaxNumberOfMessages: 10 }),
        );
        taken.push(...Messages.map(({ Body = '' }) => JSON.parse(Body)));
      }
      return taken;
    };
  }

  return {
    events,
    sqs,
    url,
    bus,
    bucket: bus,
    subscribe,
    newName: randomUUID,
    [Symbol.asyncDispose]: async () => destroy(),
  };
}
