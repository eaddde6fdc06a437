import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import pMap from 'p-map';
import { judgeFailure, type Verdict } from '../bus/verdict.ts';
import { explain, type Fault, QueueError, type QueueErrorCode } from '../errors.ts';

/** A received message. It is hidden from other receivers until it is released or its visibility timeout has passed. */
export interface ReceivedMessage {
  readonly id: string;
  readonly handle: string;
  readonly body: string;
}

/** The dead-letter queue. A call that fails throws a {@link QueueError}. */
export interface DeadLetterQueue {
  /** Receives some of the visible messages; an empty list if there are none. */
  receive(): Promise<ReceivedMessage[]>;
  remove(handle: string): Promise<void>;
  /** Makes messages visible again at once. */
  release(handles: readonly string[]): Promise<void>;
  /** The approximate number of visible messages: SQS counts them with a delay. */
  countVisible(): Promise<number>;
}

export const QUEUE_FAULTS: Readonly<Record<QueueErrorCode, Fault>> = {
  QUEUE_MISSING: {
    cause: 'There is no dead-letter queue',
    remedy: 'set DEAD_LETTER_QUEUE_URL to one that exists',
  },
  QUEUE_DENIED: {
    cause: 'The dead-letter queue may not be used',
    remedy: 'grant sqs:ReceiveMessage, sqs:DeleteMessage, sqs:ChangeMessageVisibility and sqs:GetQueueAttributes on it',
  },
  QUEUE_FAILED: {
    cause: 'The dead-letter queue does not answer',
    remedy: 'invoke the function again',
    passes: true,
  },
};

/** The most messages of a call. */
const MAX_MESSAGES = 10;
/** Seconds. No run of Lambda takes longer, so a run never receives the same message twice. */
const VISIBILITY_TIMEOUT = 900;
/** Seconds. SQS asks all of its servers only for a call with a wait time. */
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
  const verdict = judgeFailure(error);
  const code = codeOf(verdict);
  const said = `${verdict.code}: ${verdict.message}`;
  return new QueueError(code, explain(QUEUE_FAULTS[code], queueUrl, said), { cause: error });
}

function codeOf({ kind, code }: Verdict): QueueErrorCode {
  if (/NonExistentQueue|QueueDoesNotExist/.test(code)) return 'QUEUE_MISSING';
  return kind === 'denied' ? 'QUEUE_DENIED' : 'QUEUE_FAILED';
}
