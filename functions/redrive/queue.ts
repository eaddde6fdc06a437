import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import pMap from 'p-map';
import { judgeFailure } from '../bus/verdict.ts';
import { QueueError } from '../errors.ts';

/** A message that was received; others do not receive it until it is released or its time has passed. */
export interface ReceivedMessage {
  readonly id: string;
  readonly handle: string;
  readonly body: string;
}

/** The dead-letter queue. Every call throws a {@link QueueError} where it fails. */
export interface DeadLetterQueue {
  /** Some of the messages that can be received; none only when there is none. */
  receive(): Promise<ReceivedMessage[]>;
  remove(handle: string): Promise<void>;
  /** Lets messages be received again at once. */
  release(handles: readonly string[]): Promise<void>;
  /** How many messages can be received, about: SQS counts them with a delay. */
  countVisible(): Promise<number>;
}

/** As many as a call can have. */
const MAX_MESSAGES = 10;
/** Seconds that no one else receives a message: no run of Lambda is longer, so none gets one twice. */
const VISIBILITY_TIMEOUT = 900;
/** Seconds. Only an answer that was waited for has asked all servers of the queue. */
const WAIT_TIME = 2;
const MAX_CONCURRENCY = 8;

export function openDeadLetterQueue(client: SQSClient, QueueUrl: string): DeadLetterQueue {
  const failed = (error: unknown) => {
    throw queueError(QueueUrl, error);
  };
  return {
    async receive() {
      const command = new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: MAX_MESSAGES,
        VisibilityTimeout: VISIBILITY_TIMEOUT,
        WaitTimeSeconds: WAIT_TIME,
      });
      const { Messages = [] } = await client.send(command).catch(failed);
      return Messages.map(({ MessageId: id = '', ReceiptHandle: handle = '', Body: body = '' }) => ({
        id,
        handle,
        body,
      }));
    },
    async remove(ReceiptHandle) {
      await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle })).catch(failed);
    },
    async release(handles) {
      const calls = Array.from({ length: Math.ceil(handles.length / MAX_MESSAGES) }, (_, n) =>
        handles.slice(n * MAX_MESSAGES, (n + 1) * MAX_MESSAGES),
      );
      const releaseSome = async (some: readonly string[]) => {
        const Entries = some.map((ReceiptHandle, n) => ({ Id: `${n}`, ReceiptHandle, VisibilityTimeout: 0 }));
        await client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries })).catch(failed);
      };
      await pMap(calls, releaseSome, { concurrency: MAX_CONCURRENCY });
    },
    async countVisible() {
      const name = 'ApproximateNumberOfMessages';
      const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [name] });
      const { Attributes = {} } = await client.send(command).catch(failed);
      return Number(Attributes[name] ?? 0);
    },
  };
}

function queueError(queueUrl: string, error: unknown): QueueError {
  const { kind, code, message } = judgeFailure(error);
  const isMissing = /NonExistentQueue|QueueDoesNotExist/.test(code);
  const remedy = isMissing
    ? 'set DEAD_LETTER_QUEUE_URL to one that exists'
    : 'grant sqs:ReceiveMessage, sqs:DeleteMessage, sqs:ChangeMessageVisibility and sqs:GetQueueAttributes on it';
  return new QueueError(
    isMissing ? 'QUEUE_MISSING' : kind === 'denied' ? 'QUEUE_DENIED' : 'QUEUE_FAILED',
    `The dead-letter queue ${queueUrl} does not do what it is asked for: ${code}: ${message}. Nothing is lost: ${remedy}, and try again.`,
    { cause: error },
  );
}
