import { type BullmqEventName, detailTypeOf, QUEUE_EVENTS } from '../../functions/event/catalogue.ts';
import type { BullmqDetail, EventEnvelope } from '../../functions/event/detail.ts';
import type { EventBridgeEvent, SQSRecord } from '../aws-events.ts';
import { type LossDetail, VERSION } from '../details.ts';
import { queueOf } from '../idempotency-key.ts';

/** A complete event as EventBridge sends it to the target of a rule. */
export interface TestEvent<Detail> extends EventBridgeEvent<Detail> {
  readonly version: '0';
  readonly id: string;
  readonly account: string;
  readonly time: string;
  readonly region: string;
  readonly resources: string[];
}

/** The detail of an event, by its name; a custom event has its fields in `fields`. */
export type DetailOf<Name extends string> = Name extends BullmqEventName
  ? BullmqDetail<Name>
  : EventEnvelope & { readonly event: Name };

let sequence = 0;

/**
 * An event as bullbridge sends it: `anEvent('failed', { jobId: '7', failedReason: 'declined' })`.
 *
 * By default, it is an event of job 1 of the queue `emails`, later than all earlier events. With `recovered: true`, it
 * has the id of a recovered event, and no `streamId` or `sequence`.
 */
export function anEvent<const Name extends BullmqEventName | (string & {})>(
  event: Name,
  fields: Partial<Omit<DetailOf<Name>, 'event'>> = {},
): TestEvent<DetailOf<Name>> {
  sequence += 1;
  const given: Partial<EventEnvelope> = fields;
  const origin = { sourceName: 'default', prefix: 'bull', queue: 'emails', ...given };
  const { timestamp = timestampOf(given.streamId) ?? FIRST + sequence, jobId = '1' } = given;
  const place = given.recovered
    ? { id: `${queueOf(origin)}/${jobId}/${event}/${timestamp}` }
    : placeOf(queueOf(origin), given.streamId ?? `${timestamp}-0`);
  const { sourceName, prefix, queue } = origin;
  const detail = {
    version: VERSION,
    sourceName,
    prefix,
    queue,
    ...place,
    timestamp,
    event,
    ...withJob(event, jobId),
    ...fields,
  };
  return onBus('bullmq', detailTypeOf(event), detail as unknown as DetailOf<Name>, new Date(timestamp));
}

/** The event `Events Lost` as bullbridge sends it. */
export function aLoss(fields: Partial<LossDetail> = {}): TestEvent<LossDetail> {
  const origin = { sourceName: 'default', prefix: 'bull', queue: 'emails', ...fields };
  const { sourceName, prefix, queue } = origin;
  const { afterId = `${FIRST}-0`, beforeId = `${FIRST + 1000}-0`, reason = 'trimmed' } = fields;
  const detectedAt = new Date(FIRST + 2000);
  const detail: LossDetail = {
    id: `${queueOf(origin)}/${afterId}/lost/${reason}/${beforeId ?? 'end'}`,
    sourceName,
    prefix,
    queue,
    lost: 1,
    exact: reason === 'trimmed',
    reason,
    afterId,
    beforeId,
    detectedAt: detectedAt.toISOString(),
    ...fields,
  };
  return onBus('bullbridge', 'Events Lost', detail, detectedAt);
}

/** A complete message of SQS as Lambda passes it to a function. */
export interface TestRecord extends SQSRecord {
  readonly receiptHandle: string;
  readonly attributes: {
    readonly ApproximateReceiveCount: string;
    readonly SentTimestamp: string;
    readonly SenderId: string;
    readonly ApproximateFirstReceiveTimestamp: string;
    readonly MessageGroupId?: string;
  };
  readonly messageAttributes: Record<string, never>;
  readonly md5OfBody: string;
  readonly eventSource: string;
  readonly eventSourceARN: string;
  readonly awsRegion: string;
}

/** The input of a Lambda function behind an SQS queue, with one message for each event or body. */
export function aBatch(...bodies: readonly (EventBridgeEvent | string)[]): { Records: TestRecord[] } {
  const Records = bodies.map((body, i) => ({
    messageId: `message-${i + 1}`,
    receiptHandle: `receipt-${i + 1}`,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: `${FIRST}`,
      SenderId: 'events.amazonaws.com',
      ApproximateFirstReceiveTimestamp: `${FIRST}`,
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:eu-west-1:000000000000:events',
    awsRegion: 'eu-west-1',
  }));
  return { Records };
}

/** Milliseconds since the epoch: November 2026. */
const FIRST = 1_795_398_834_000;

function timestampOf(streamId: string | undefined): number | undefined {
  return streamId === undefined ? undefined : Number(streamId.split('-')[0]);
}

function placeOf(queue: string, streamId: string) {
  return { id: `${queue}/${streamId}`, streamId, sequence };
}

function withJob(event: string, jobId: string) {
  return QUEUE_EVENTS.has(event) ? {} : { jobId };
}

function onBus<Detail>(source: string, detailType: string, detail: Detail, time: Date): TestEvent<Detail> {
  return {
    version: '0',
    id: `00000000-0000-4000-8000-${String(sequence).padStart(12, '0')}`,
    'detail-type': detailType,
    source,
    account: '000000000000',
    // EventBridge cuts the time to whole seconds.
    time: `${time.toISOString().slice(0, 19)}Z`,
    region: 'eu-west-1',
    resources: [],
    detail,
  };
}
