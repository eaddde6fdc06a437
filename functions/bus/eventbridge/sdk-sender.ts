import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { PutEvents } from './port.ts';

/**
 * Publishes to one bus through the AWS SDK; the client's own retries must be off (`maxAttempts: 1`).
 *
 * No call gets options, an `abortSignal` for one: with any, the client puts its middleware together anew for each call.
 */
export function putEventsOf(client: EventBridgeClient, busName: string): PutEvents {
  return async (entries) => {
    const Entries = entries.map((entry) => ({ ...entry, EventBusName: busName }));
    const result = await client.send(new PutEventsCommand({ Entries }));
    return result.Entries ?? [];
  };
}
