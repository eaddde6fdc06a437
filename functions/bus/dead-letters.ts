import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { explain, type Fault, ParkingError } from '../errors.ts';
import { type AnyEntry, type BusEntry, entryBytes, isLarge } from '../event/bus-entry.ts';
import { cutToFit, type MakeFit } from './oversize/make-fit.ts';

/** The reason why an entry is parked. */
export interface Refusal {
  readonly errorCode: string;
  readonly errorMessage: string;
  /** The number of times the entry was sent. */
  readonly attempts: number;
}

/** An earlier refusal of an entry. */
export interface EarlierRefusal extends Refusal {
  /** An ISO text. */
  readonly failedAt: string;
}

/** The fields of a dead letter in addition to its entry. `attempts` is the number of all attempts. */
export interface DeadLetter extends Refusal {
  /** When the entry was first parked, as an ISO text. */
  readonly parkedAt: string;
  /** When the entry last failed, as an ISO text; absent for an entry that was not sent again. */
  readonly failedAt?: string;
  /** Earlier refusals, the oldest first. */
  readonly history?: readonly EarlierRefusal[];
}

/** An entry as it was sent. */
export interface Sent {
  readonly entry: BusEntry;
  /** The entry before it was made to fit; a dead letter has less room. */
  readonly original: AnyEntry;
}

/** Parks an entry that the bus refuses for good. @throws {ParkingError} if the dead-letter queue does not store it */
export type Park = (sent: Sent, refusal: Refusal, signal: AbortSignal) => Promise<void>;

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
const MAX_MESSAGE_BYTES = 1_048_576;
/** Leaves room for the history of an entry that is sent again and refused again. */
const ROOMY_BYTES = 1_000_000;

export const PARKING_FAULT: Fault = {
  cause: 'The bus refuses an entry, and the dead-letter queue does not take it',
  remedy: 'fix the queue (DEAD_LETTER_QUEUE_URL), or grant sqs:SendMessage on it',
};

export interface DeadLetterOptions {
  readonly queueUrl: string;
  /** The bus of the entries; part of the dead letter. */
  readonly busName: string;
  /** Makes entries fit into a message. @default entries that do not fit are cut */
  readonly makeFit?: MakeFit;
}

/** Parks entries in an SQS queue, each with the reason and the time; its detail has its stream id. */
export function parkIn(client: SQSClient, options: DeadLetterOptions & { readonly now: () => Date }): Park {
  return async (sent, refusal, signal) => {
    await sendDeadLetter(client, options, sent, { ...refusal, parkedAt: options.now().toISOString() }, signal);
  };
}

/** Sends a dead letter to the queue. @returns the id of the message */
export async function sendDeadLetter(
  client: SQSClient,
  { queueUrl, busName, makeFit = cutToFit }: DeadLetterOptions,
  { entry, original }: Sent,
  letter: DeadLetter,
  signal: AbortSignal,
): Promise<string | undefined> {
  let fitted = entry;
  let body = bodyOf(fitted, busName, letter);
  // The body can be much longer than the entry, because each quote is escaped again.
  for (let bytes = Buffer.byteLength(body); isLarge(original) && bytes > ROOMY_BYTES; bytes = Buffer.byteLength(body)) {
    fitted = await makeFit(original, Math.floor((entryBytes(fitted) * ROOMY_BYTES * 0.95) / bytes), signal);
    body = bodyOf(fitted, busName, letter);
  }
  for (let { history = [] } = letter; history.length > 0 && Buffer.byteLength(body) > MAX_MESSAGE_BYTES; ) {
    history = history.slice(1);
    body = bodyOf(fitted, busName, { ...letter, history });
  }
  try {
    return (await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body }))).MessageId;
  } catch (error) {
    const { name, message } = error as Error;
    throw new ParkingError(
      'PARKING_FAILED',
      explain(PARKING_FAULT, `${letter.errorCode}, ${queueUrl}`, `${name}: ${message}`),
      { cause: error },
    );
  }
}

function bodyOf(entry: BusEntry, EventBusName: string, letter: DeadLetter): string {
  return escapeNonCharacters(JSON.stringify({ entry: { ...entry, EventBusName }, ...letter }));
}

/** SQS accepts all Unicode characters except these two and control characters, which JSON itself escapes. */
function escapeNonCharacters(json: string): string {
  return json.replace(/[\ufffe\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16)}`);
}
