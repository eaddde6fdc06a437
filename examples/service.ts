import type { SQSClient } from '@aws-sdk/client-sqs';
import type { QueueEvents } from 'bullbridge/consumer';
import { Consumer } from 'sqs-consumer';

/**
 * Creates a service that runs all the time and receives events from an SQS queue behind a rule; `start()` starts it,
 * `stop()` stops it.
 *
 * It handles whole batches, so that the events of a job are put in order. If the order does not matter,
 * `handleMessage: queueEvents.handleMessage` is enough.
 */
export function createService(queueEvents: QueueEvents, sqs: SQSClient, queueUrl: string): Consumer {
  return Consumer.create({
    sqs,
    queueUrl,
    batchSize: 10,
    handleMessageBatch: async (messages) => {
      const Records = messages.map(({ MessageId = '', Body = '' }) => ({ messageId: MessageId, body: Body }));
      const { batchItemFailures } = await queueEvents.handler({ Records });
      const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
      // sqs-consumer deletes the messages that are returned; the others are delivered again.
      return messages.filter(({ MessageId = '' }) => !failed.has(MessageId));
    },
  });
}
