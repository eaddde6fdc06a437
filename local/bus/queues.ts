import { createHash, randomUUID } from 'node:crypto';
import type { RequestFault } from './put-events.ts';

/** Messages of SQS queues, kept in memory. */
export interface Queues {
  create(name: string): void;
  has(name: string): boolean;
  /** The bodies of the messages that were not deleted. */
  bodies(name: string): string[];
  /** Answers an operation of the SQS JSON protocol; the queue is named by the last part of its URL. */
  answer(operation: string, input: Record<string, unknown>): object | RequestFault;
}

interface Message {
  readonly MessageId: string;
  readonly Body: string;
  receiptHandle: string | undefined;
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
const MAX_BYTES = 1024 * 1024;

export function createQueues(urlOf: (name: string) => string): Queues {
  const queues = new Map<string, Map<string, Message>>();
  const missing = {
    status: 400,
    code: 'AWS.SimpleQueueService.NonExistentQueue',
    message: 'The specified queue does not exist.',
  };

  function answer(operation: string, input: Record<string, unknown>): object | RequestFault {
    const name = String(input['QueueName'] ?? String(input['QueueUrl']).split('/').at(-1));
    if (operation === 'CreateQueue') queues.set(name, queues.get(name) ?? new Map());
    const messages = queues.get(name);
    if (!messages) return missing;
    if (operation === 'CreateQueue' || operation === 'GetQueueUrl') return { QueueUrl: urlOf(name) };
    if (operation === 'SendMessage') return send(messages, String(input['MessageBody']));
    if (operation === 'ReceiveMessage')
      return { Messages: receive(messages, Number(input['MaxNumberOfMessages'] ?? 1)) };
    if (operation === 'DeleteMessage') return remove(messages, String(input['ReceiptHandle']));
    if (operation === 'GetQueueAttributes') return { Attributes: { ApproximateNumberOfMessages: `${messages.size}` } };
    return { status: 400, code: 'UnknownOperationException', message: `SQS ${operation} is not known here.` };
  }

  function send(messages: Map<string, Message>, Body: string): object | RequestFault {
    if (Buffer.byteLength(Body) > MAX_BYTES) {
      return {
        status: 400,
        code: 'InvalidParameterValue',
        message: `One or more parameters are invalid. Reason: Message must be shorter than ${MAX_BYTES} bytes.`,
      };
    }
    const MessageId = randomUUID();
    messages.set(MessageId, { MessageId, Body, receiptHandle: undefined });
    return { MessageId, MD5OfMessageBody: md5(Body) };
  }

  /** A message that was received stays hidden until it is deleted; nothing here waits for visibility to end. */
  function receive(messages: Map<string, Message>, count: number) {
    const visible = [...messages.values()].filter(({ receiptHandle }) => receiptHandle === undefined).slice(0, count);
    return visible.map((message) => {
      message.receiptHandle = randomUUID();
      return {
        MessageId: message.MessageId,
        Body: message.Body,
        MD5OfBody: md5(message.Body),
        ReceiptHandle: message.receiptHandle,
      };
    });
  }

  function remove(messages: Map<string, Message>, receiptHandle: string): object {
    for (const [id, message] of messages) if (message.receiptHandle === receiptHandle) messages.delete(id);
    return {};
  }

  return {
    create: (name) => void queues.set(name, new Map()),
    has: (name) => queues.has(name),
    bodies: (name) => [...(queues.get(name)?.values() ?? [])].map(({ Body }) => Body),
    answer,
  };
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
