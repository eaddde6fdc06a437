import type { EventBridgeHandler } from 'aws-lambda';
import type { BullmqDetail, BullmqDetailType } from '../functions/event/detail.ts';

/**
 * A consumer: the target of a rule for `Job Failed`.
 *
 * An event can come twice, with the same `detail.id`: whatever must happen once is to be keyed by it.
 */
export const handler: EventBridgeHandler<BullmqDetailType<'failed'>, BullmqDetail<'failed'>, void> = async (event) => {
  const { id, queue, jobId, failedReason } = event.detail;
  console.log(JSON.stringify({ message: 'job failed', id, queue, jobId, failedReason }));
};
