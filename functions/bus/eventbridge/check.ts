import { DescribeEventBusCommand, type EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { createPatience, type Patience } from '../../patience.ts';
import { busError } from '../bus-error.ts';
import { judgeFailure } from '../verdict.ts';

/**
 * Asks whether a bus exists; see `check` of {@link EventBus}.
 *
 * A role that may not ask can be allowed to publish all the same, so that is only a warning. So is a quota that is used
 * up.
 * @throws {BusError} where there is no such bus, or it does not answer while the patience lasts
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
