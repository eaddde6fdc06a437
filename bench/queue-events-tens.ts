// Calls with ten events, sixteen at once. In a backlog a next event always comes; a listener also needs a timer for the last few.
import { EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import pMap from 'p-map';
import { entries } from './queue-events.ts';

const bus = new EventBridgeClient({});

async function* tens(): AsyncGenerator<PutEventsRequestEntry[]> {
  let batch: PutEventsRequestEntry[] = [];
  for await (const entry of entries()) {
    batch.push(entry);
    if (batch.length < 10) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

export async function handler() {
  const sizes = await pMap(
    tens(),
    async (Entries) => {
      await bus.send(new PutEventsCommand({ Entries }));
      return Entries.length;
    },
    { concurrency: 16 },
  );
  return { published: sizes.reduce((sum, size) => sum + size, 0) };
}
