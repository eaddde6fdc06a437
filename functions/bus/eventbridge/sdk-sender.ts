import { DescribeEventBusCommand, type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { BusError } from '../../errors.ts';
import { createPatience, type Patience } from '../../patience.ts';
import { judgeFailure } from '../verdict.ts';
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

/**
 * Makes sure that the bus exists: PutEvents accepts entries for a bus that does not, and drops them. Waits until the bus answers.
 *
 * @returns a warning where the role may not ask, since publishing may be allowed all the same
 * @throws {BusError} where there is no such bus, or it does not answer while the patience lasts
 */
export async function checkEventBus(
  client: EventBridgeClient,
  busName: string,
  patience: Patience,
): Promise<string | undefined> {
  const patiently = createPatience('The event bus', passes, patience);
  try {
    await patiently((abortSignal) => client.send(new DescribeEventBusCommand({ Name: busName }), { abortSignal }));
    return undefined;
  } catch (error) {
    const { kind, code, message } = judgeFailure(error);
    if (kind === 'denied')
      return `could not check that the event bus "${busName}" exists (${code}); grant events:DescribeEventBus`;
    if (kind === 'missing') {
      throw new BusError(
        'BUS_MISSING',
        `There is no event bus "${busName}"; create it, or set EVENT_BUS_NAME to one that exists.`,
      );
    }
    throw new BusError('BUS_UNAVAILABLE', `The event bus "${busName}" could not be looked up: ${code}: ${message}`, {
      cause: error,
    });
  }
}

function passes(error: unknown): boolean {
  const { kind } = judgeFailure(error);
  return kind === 'failed' || kind === 'throttled';
}
