export type {
  BullmqDetail,
  BullmqDetailType,
  ClaimCheck,
  EventEnvelope,
  JobDetail,
  JsonValue,
} from '../functions/event/detail.ts';
export type { EventBridgeEvent, SQSBatchResponse, SQSEvent, SQSRecord } from './aws-events.ts';
export { type ConsumerInput, type Delivery, deliveries, type EventDelivery, type GapDelivery } from './deliveries.ts';
export type { EventDetail, LossDetail, RecoveryDetail } from './details.ts';
export { DeliveryError, InvalidEventError } from './errors.ts';
export { idempotencyKey } from './idempotency-key.ts';
export type { QueueEventsListener } from './listener.ts';
export type { QueueEventsOptions, ReadPayload } from './options.ts';
export { compareEvents } from './order.ts';
export { type EventPattern, type PatternOptions, pattern } from './pattern.ts';
export { type AnyListener, type ConsumerHandler, type LossListener, QueueEvents } from './queue-events.ts';
