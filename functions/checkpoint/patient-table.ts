import { isServerError, isThrottlingError, isTransientError } from '@smithy/core/retry';
import { createPatience, type Patience } from '../patience.ts';
import type { TableClient } from './table.ts';

/**
 * Makes a client of the checkpoint table that waits until outages are over.
 *
 * A call that failed is made again, since every write of this layer recognises its own repetition. A failure that
 * cannot pass by itself, such as a missing permission, is thrown at once.
 * @param client one that repeats nothing itself
 */
export function createPatientClient(client: TableClient, patience: Patience): TableClient {
  const patiently = createPatience('The checkpoint table', passes, patience);
  const send = (command: Parameters<TableClient['send']>[0]) =>
    patiently((abortSignal) => client.send(command, { abortSignal }));
  return { send: send as TableClient['send'] };
}

type SdkError = Parameters<typeof isServerError>[0];

/** Nothing answered, the service failed or throttles, or something between here and the service answered in its place. */
function passes(error: unknown): boolean {
  const { $metadata } = error as SdkError;
  const status = $metadata?.httpStatusCode ?? 400;
  return [isTransientError, isServerError, isThrottlingError].some((is) => is(error as SdkError)) || status < 400;
}
