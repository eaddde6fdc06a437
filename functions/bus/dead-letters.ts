import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { explain, type Fault, ParkingError } from '../errors.ts';
import { type AnyEntry, type BusEntry, entryBytes, isLarge } from '../event/entry.ts';
import { cutToFit, type MakeFit } from './oversize/make-fit.ts';

/** Why an entry is parked. */
export interface Refusal {
  readonly errorCode: string;
  readonly errorMessage: string;
  /** How often the entry was sent. */
  readonly attempts: number;
}

/** A time that the bus refused an entry, before the last one. */
export interface EarlierRefusal extends Refusal {
  /** ISO. */
  readonly failedAt: string;
}

/** What is said of a parked entry. `attempts` are those of all times. */
export interface DeadLetter extends Refusal {
  /** ISO, when it was parked first. */
  readonly parkedAt: string;
  /** ISO, when it failed last; absent for an entry that was not sent again since it was parked. */
  readonly failedAt?: string;
  /** The oldest first. */
  readonly history?: readonly EarlierRefusal[];
}

/** An entry as it was sent. */
export interface Sent {
  readonly entry: BusEntry;
  /** As it was made: a dead letter has less room. */
  readonly original: AnyEntry;
}

/** Parks an entry that the bus refuses for good. @throws {ParkingError} unless it is safely stored */
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
  /** The bus the entries were meant for; part of the parked entry. */
  readonly busName: string;
  /** Makes entries fit into a message. @default what does not fit is cut */
  readonly makeFit?: MakeFit;
}

/** Parks entries in an SQS queue, each with the reason and the time; where it was in its stream is in its detail. */
export function parkIn(client: SQSClient, options: DeadLetterOptions & { readonly now: () => Date }): Park {
  return async (sent, refusal, signal) => {
    await sendDeadLetter(client, options, sent, { ...refusal, parkedAt: options.now().toISOString() }, signal);
  };
}

/** Sends a parked entry to the queue. @returns the message's id */
export async function sendDeadLetter(
  client: SQSClient,
  { queueUrl, busName, makeFit = cutToFit }: DeadLetterOptions,
  { entry, original }: Sent,
  letter: DeadLetter,
  signal: AbortSignal,
): Promise<string | undefined> {
  let fitted = entry;
  let body = bodyOf(fitted, busName, letter);
  // Each quote is escaped again.
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

/** SQS takes every Unicode character but these two and control characters, which JSON escapes by itself. */
function escapeNonCharacters(json: string): string {
  return json.replace(/[\ufffe\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16)}`);
}
