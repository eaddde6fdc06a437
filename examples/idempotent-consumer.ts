import { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency';
import type { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import type { Context, EventBridgeEvent } from 'aws-lambda';
import type { BullmqDetail, BullmqDetailType } from 'bullbridge/consumer';

type JobCompleted = EventBridgeEvent<BullmqDetailType<'completed'>, BullmqDetail<'completed'>>;

export interface Ports {
  /** What must not happen twice for one job. */
  readonly charge: (queue: string, jobId: string) => Promise<void>;
  /** Table with the string key `id`, and `expiration` as its time-to-live. */
  readonly idempotencyTable: DynamoDBPersistenceLayer;
}

/**
 * Makes a consumer that does its work once for each event, however often it comes.
 *
 * The key is `detail.id`, which every redelivery has in common; EventBridge's own `id` is another each time.
 */
export function createConsumer({ charge, idempotencyTable }: Ports) {
  const handle = async ({ detail }: JobCompleted, _context: Context) => {
    await charge(detail.queue, detail.jobId ?? '');
    return { charged: detail.jobId };
  };
  return makeIdempotent(handle, {
    persistenceStore: idempotencyTable,
    config: new IdempotencyConfig({
      eventKeyJmesPath: 'detail.id',
      throwOnNoIdempotencyKey: true,
      // Longer than EventBridge tries to deliver an event (24 hours by default) and than a run may be interrupted.
      expiresAfterSeconds: 7 * 24 * 3600,
    }),
  });
}
