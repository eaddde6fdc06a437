import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { ParkingError } from '../errors.ts';
import { type BusEntry, entryBytes } from './entry.ts';
import { truncate } from './truncate.ts';

/** Why an entry is parked. */
interface Refusal {
  readonly errorCode: string;
  readonly errorMessage: string;
  /** How often the entry was sent. */
  readonly attempts: number;
}

/** Parks an entry that the bus refuses for good. @throws {ParkingError} unless it is safely stored */
export type Park = (entry: BusEntry, refusal: Refusal) => Promise<void>;

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
const MAX_MESSAGE_BYTES = 1_048_576;

export interface DeadLetterOptions {
  readonly queueUrl: string;
  /** The bus the entries were meant for; part of the parked entry. */
  readonly busName: string;
  readonly now: () => Date;
}

/** Parks entries in an SQS queue, each with the reason and the time; where it was in its stream is in its detail. */
export function parkIn(client: SQSClient, { queueUrl, busName, now }: DeadLetterOptions): Park {
  return async (entry, refusal) => {
    const MessageBody = messageBody({ ...entry, EventBusName: busName }, { ...refusal, parkedAt: now().toISOString() });
    try {
      await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody }));
    } catch (error) {
      const { name, message } = error as Error;
      throw new ParkingError(
        'PARKING_FAILED',
        `The bus refuses an entry (${refusal.errorCode}) and the dead-letter queue ${queueUrl} does not take it: ${name}: ${message}. ` +
          'Nothing is skipped: mend the queue or the permission sqs:SendMessage, and the next run goes on here.',
        { cause: error },
      );
    }
  };
}

/** The body of a parked entry; one that is too large for SQS once its quotes are escaped again is cut, and says so. */
function messageBody(entry: BusEntry & { readonly EventBusName: string }, refusal: object): string {
  let cut = entry;
  for (;;) {
    const body = escapeNonCharacters(JSON.stringify({ entry: cut, ...refusal }));
    const bytes = Buffer.byteLength(body);
    if (bytes <= MAX_MESSAGE_BYTES) return body;
    cut = truncate(cut, Math.floor((entryBytes(cut) * MAX_MESSAGE_BYTES * 0.95) / bytes));
  }
}

/** SQS takes every Unicode character but these two and control characters, which JSON escapes by itself. */
function escapeNonCharacters(json: string): string {
  return json.replace(/[\ufffe\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16)}`);
}
