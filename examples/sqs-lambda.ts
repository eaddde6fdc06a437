import { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency';
import type { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import type { Context } from 'aws-lambda';
import { idempotencyKey, QueueEvents, type SQSEvent } from 'bullbridge/consumer';

export interface Ports {
  /** Must not happen twice for the same end of a job. */
  readonly charge: (jobId: string) => Promise<void>;
  /** Table with the string key `id`, and `expiration` as its time-to-live. */
  readonly idempotencyTable: DynamoDBPersistenceLayer;
}

/**
 * Creates a Lambda function behind an SQS queue that charges once for each completed job.
 *
 * SQS delivers only failed messages again; for this, the event source mapping needs `reportBatchItemFailures`. A
 * recovered event has the same key as the event from the stream; for this, the forwarder needs `jobFields:
 * ['finishedOn']`.
 */
export function createHandler({ charge, idempotencyTable }: Ports) {
  const config = new IdempotencyConfig({ eventKeyJmesPath: 'key', expiresAfterSeconds: 7 * 24 * 3600 });
  const chargeOnce = makeIdempotent(async ({ jobId }: { key: string; jobId: string }) => charge(jobId), {
    persistenceStore: idempotencyTable,
    config,
  });
  const queueEvents = new QueueEvents('payments');
  queueEvents.onAny(async (event, { jobId }, { detail }) => {
    if (event === 'completed') await chargeOnce({ key: idempotencyKey(detail), jobId: String(jobId) });
  });
  return (event: SQSEvent, context: Context) => {
    config.registerLambdaContext(context);
    return queueEvents.handler(event);
  };
}
