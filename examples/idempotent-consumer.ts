import { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency';
import type { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import type { Context, EventBridgeEvent } from 'aws-lambda';
import type { BullmqDetail, BullmqDetailType } from 'bullbridge/consumer';

type JobCompleted = EventBridgeEvent<BullmqDetailType<'completed'>, BullmqDetail<'completed'>>;

export interface Ports {
  /** Must not happen twice for the same job. */
  readonly charge: (queue: string, jobId: string) => Promise<void>;
  /** Table with the string key `id`, and `expiration` as its time-to-live. */
  readonly idempotencyTable: DynamoDBPersistenceLayer;
}

/**
 * Creates a consumer that does its work once for each event, however often the event comes.
 *
 * The key is `detail.id`, which is the same on every redelivery; EventBridge's own `id` is different each time.
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
      // Longer than EventBridge tries to deliver an event (24 hours by default), and longer than an outage of runs.
      expiresAfterSeconds: 7 * 24 * 3600,
    }),
  });
}
