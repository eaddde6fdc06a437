// A call for each event, sixteen at once.
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import pMap from 'p-map';
import { entries } from './queue-events.ts';

const bus = new EventBridgeClient({});

export async function handler() {
  const sent = await pMap(entries(), (entry) => bus.send(new PutEventsCommand({ Entries: [entry] })), {
    concurrency: 16,
  });
  return { published: sent.length };
}
