import type { EventBridgeEvent, SQSEvent, SQSRecord } from './aws-events.ts';
import { type EventDetail, type LossDetail, type RecoveryDetail, VERSION } from './details.ts';
import { InvalidEventError } from './errors.ts';

/** An event of BullMQ that arrived. */
export interface EventDelivery {
  readonly source: 'bullmq';
  readonly detailType: string;
  readonly detail: EventDetail;
}

/** An `Events Lost` or `Events Recovered` of bullbridge that arrived. */
export type GapDelivery = { readonly source: 'bullbridge' } & (
  | { readonly detailType: 'Events Lost'; readonly detail: LossDetail }
  | { readonly detailType: 'Events Recovered'; readonly detail: RecoveryDetail }
);

export type Delivery = EventDelivery | GapDelivery;

/** The input of the function of a consumer. */
export type ConsumerInput = EventBridgeEvent | readonly EventBridgeEvent[] | SQSEvent;

/** An event of a call that is not read yet, with its message. */
export interface Message {
  /** @throws {InvalidEventError} */
  readonly read: () => Delivery;
  readonly record?: SQSRecord;
}

/**
 * Reads the input of a function: the event of a rule, the events of a pipe, or messages of an SQS queue behind a rule
 * or an SNS topic.
 *
 * @returns the events in the order of the input
 * @throws {InvalidEventError} for an event of another source than BullMQ and bullbridge, or of another version
 */
export function deliveries(input: ConsumerInput): Delivery[] {
  return messagesOf(input).map(({ read }) => read());
}

export function messagesOf(input: ConsumerInput): Message[] {
  if (isSqsEvent(input)) return input.Records.map((record) => ({ record, read: () => readBody(record?.body) }));
  return [input].flat().map((event) => ({ read: () => readEvent(event) }));
}

export function isSqsEvent(input: ConsumerInput): input is SQSEvent {
  return Array.isArray((input as Partial<SQSEvent> | undefined)?.Records);
}

/**
 * Reads the body of a message: an event as JSON, or a notification of SNS that contains an event.
 *
 * @throws {InvalidEventError}
 */
export function readBody(body: string | undefined): Delivery {
  const parsed = parse(body);
  return readEvent(parsed?.Type === 'Notification' ? parse(parsed.Message) : parsed);
}

function parse(text: string | undefined) {
  try {
    return JSON.parse(text as string);
  } catch {
    // The message of the parser would quote the text, which may have data of a job.
    throw new InvalidEventError(
      `A message of ${text?.length ?? 0} characters is not JSON; it must be an event of EventBridge.`,
    );
  }
}

/** Every detail has these texts. */
const ORIGIN = ['id', 'sourceName', 'prefix', 'queue'];

function readEvent(event: EventBridgeEvent | null | undefined): Delivery {
  const { source, detail, 'detail-type': detailType } = event ?? ({} as Partial<EventBridgeEvent>);
  if (source !== 'bullmq' && source !== 'bullbridge') {
    throw new InvalidEventError(
      `An event has the source ${JSON.stringify(source)}; it must be "bullmq" or "bullbridge". ` +
        'Narrow the event pattern of the rule, and send whole events, without an input transformer.',
    );
  }
  const fields = (detail ?? {}) as Readonly<Record<string, unknown>>;
  const isRead = source === 'bullbridge' || fields['version'] === VERSION;
  if (!isRead || !ORIGIN.every((name) => typeof fields[name] === 'string')) {
    throw new InvalidEventError(
      `The event ${JSON.stringify(fields, [...ORIGIN, 'version'])} is not of version "${VERSION}": install the release of bullbridge that is deployed.`,
    );
  }
  return { source, detailType, detail } as Delivery;
}
