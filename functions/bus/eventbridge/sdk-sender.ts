import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { PutEvents } from './port.ts';

/**
 * Publishes to one bus through the AWS SDK; the retries of the client must be off (`maxAttempts: 1`).
 *
 * Calls have no options such as an `abortSignal`: with options, the client would build its middleware for each call.
 */
export function putEventsOf(client: EventBridgeClient, busName: string): PutEvents {
  return async (entries) => {
    const Entries = entries.map((entry) => ({ ...entry, EventBusName: busName }));
    const result = await client.send(new PutEventsCommand({ Entries }));
    return result.Entries ?? [];
  };
}
