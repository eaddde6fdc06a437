import { DescribeEventBusCommand, type EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { createPatience, type Patience } from '../../patience.ts';
import { busError } from '../bus-error.ts';
import { judgeFailure } from '../verdict.ts';

/**
 * Checks that a bus exists; see `check` of {@link EventBus}.
 *
 * A missing permission for the check is only a warning, because the role may still be allowed to publish. A used-up
 * quota is also only a warning.
 * @throws {BusError} if the bus does not exist, or does not answer until the signal of the patience is aborted
 */
export async function checkEventBus(
  client: EventBridgeClient,
  busName: string,
  patience: Patience,
): Promise<string | undefined> {
  const patiently = createPatience('The event bus', (error) => judgeFailure(error).kind === 'failed', patience);
  try {
    await patiently((abortSignal) => client.send(new DescribeEventBusCommand({ Name: busName }), { abortSignal }));
    return undefined;
  } catch (error) {
    const { kind, code, message } = judgeFailure(error);
    if (kind === 'missing') throw busError('BUS_MISSING', busName);
    if (kind === 'failed') throw busError('BUS_UNAVAILABLE', busName, `${code}: ${message}`);
    const remedy = kind === 'denied' ? '; grant events:DescribeEventBus' : `: ${message}`;
    return `could not check that the event bus "${busName}" exists (${code})${remedy}`;
  }
}
