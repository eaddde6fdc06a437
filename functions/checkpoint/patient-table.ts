import { isServerError, isThrottlingError, isTransientError } from '@smithy/core/retry';
import { createPatience, type Patience } from '../patience.ts';
import type { TableClient } from './table.ts';

/**
 * Creates a client of the checkpoint table that waits until outages are over.
 *
 * A failed call is repeated; every write of this layer recognises its own repetition. A failure that cannot pass by
 * itself, such as a missing permission, is thrown at once.
 * @param client a client without retries of its own
 */
export function createPatientClient(client: TableClient, patience: Patience): TableClient {
  const patiently = createPatience('The checkpoint table', passes, patience);
  const send = (command: Parameters<TableClient['send']>[0]) =>
    patiently((abortSignal) => client.send(command, { abortSignal }));
  return { send: send as TableClient['send'] };
}

type SdkError = Parameters<typeof isServerError>[0];

/** Whether there was no answer, the service failed or throttled, or a proxy answered instead of the service. */
function passes(error: unknown): boolean {
  const { $metadata } = error as SdkError;
  const status = $metadata?.httpStatusCode ?? 400;
  return [isTransientError, isServerError, isThrottlingError].some((is) => is(error as SdkError)) || status < 400;
}
