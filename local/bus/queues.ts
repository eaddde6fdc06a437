import { createHash, randomUUID } from 'node:crypto';
import { type Answer, failure, success } from './answer.ts';

export interface QueuesOptions {
  readonly names: readonly string[];
  readonly urlOf: (name: string) => string;
  readonly account: string;
  readonly region: string;
  /** Milliseconds since the epoch, for the visibility of messages. */
  readonly now: () => number;
}

/** SQS standard queues in memory. */
export interface Queues {
  /** The bodies of the messages that were not deleted, in the order of sending. */
  bodies(name: string): string[];
  /** Answers an operation of the SQS JSON protocol. */
  answer(operation: string, input: Readonly<Record<string, unknown>>): Answer;
}

interface Message {
  readonly id: string;
  readonly body: string;
  receiptHandle?: string;
  /** When it can be received, or received again. */
  visibleAt: number;
  receiveCount: number;
}

interface DeleteEntry {
  readonly Id: string;
  readonly ReceiptHandle: string;
}

interface VisibilityEntry extends DeleteEntry {
  /** Seconds. */
  readonly VisibilityTimeout: number;
}

type Input = Readonly<Record<string, unknown>>;

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
const MAX_BYTES = 1024 * 1024;
/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html */
const INVALID_CHARACTER = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;
const RECEIPT_HANDLE = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const NO_QUEUE = 'The specified queue does not exist.';
const TOO_LONG = `One or more parameters are invalid. Reason: Message must be shorter than ${MAX_BYTES} bytes.`;
const ILLEGAL =
  'Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF';

export function createQueues({ names, urlOf, account, region, now }: QueuesOptions): Queues {
  const queues = new Map<string, Map<string, Message>>(names.map((name) => [name, new Map()]));

  function answer(operation: string, input: Input): Answer {
    if (operation === 'CreateQueue') return create(String(input['QueueName']));
    const name = String(input['QueueName'] ?? String(input['QueueUrl']).split('/').at(-1));
    const messages = queues.get(name);
    if (!messages) return refuse('QueueDoesNotExist', NO_QUEUE, 'AWS.SimpleQueueService.NonExistentQueue');
    switch (operation) {
      case 'GetQueueUrl':
        return success({ QueueUrl: urlOf(name) });
      case 'SendMessage':
        return send(messages, input['MessageBody']);
      case 'ReceiveMessage':
        return receive(messages, input);
      case 'DeleteMessage':
        return remove(messages, String(input['ReceiptHandle']));
      case 'DeleteMessageBatch':
        return removeAll(messages, input['Entries'] as DeleteEntry[]);
      case 'ChangeMessageVisibilityBatch':
        return changeVisibility(messages, input['Entries']);
      case 'GetQueueAttributes':
        return attributes(name, messages, input['AttributeNames']);
      default:
        return failure(400, 'UnknownOperationException', `SQS ${operation} is not known here.`);
    }
  }

  function create(name: string): Answer {
    if (!queues.has(name)) queues.set(name, new Map());
    return success({ QueueUrl: urlOf(name) });
  }

  function send(messages: Map<string, Message>, body: unknown): Answer {
    if (typeof body !== 'string' || body === '')
      return refuse('MissingParameter', 'The request must contain the parameter MessageBody.');
    if (Buffer.byteLength(body) > MAX_BYTES) return refuse('InvalidParameterValue', TOO_LONG);
    if (INVALID_CHARACTER.test(body)) return refuse('InvalidMessageContents', ILLEGAL);
    const id = randomUUID();
    messages.set(id, { id, body, visibleAt: 0, receiveCount: 0 });
    return success({ MessageId: id, MD5OfMessageBody: md5(body) });
  }

  /** Answers at once, as if `WaitTimeSeconds` were 0. */
  function receive(messages: Map<string, Message>, input: Input): Answer {
    const max = Number(input['MaxNumberOfMessages'] ?? 1);
    if (!(max >= 1 && max <= 10))
      return refuse(
        'InvalidParameterValue',
        `Value ${max} for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.`,
      );
    const received = [...messages.values()].filter(({ visibleAt }) => visibleAt <= now()).slice(0, max);
    for (const message of received) {
      message.receiptHandle = randomUUID();
      message.visibleAt = now() + 1000 * Number(input['VisibilityTimeout'] ?? 30);
      message.receiveCount += 1;
    }
    const withCount = ['MessageSystemAttributeNames', 'AttributeNames'].some((list) =>
      isNamed('ApproximateReceiveCount', input[list]),
    );
    // SQS leaves out an empty list.
    return success(received.length === 0 ? {} : { Messages: received.map((message) => messageOf(message, withCount)) });
  }

  /** A handle that is not the newest of its message deletes nothing, which is not an error. */
  function remove(messages: Map<string, Message>, receiptHandle: string): Answer {
    if (!RECEIPT_HANDLE.test(receiptHandle))
      return refuse(
        'ReceiptHandleIsInvalid',
        `The input receipt handle "${receiptHandle}" is not a valid receipt handle.`,
      );
    for (const [id, message] of messages) if (message.receiptHandle === receiptHandle) messages.delete(id);
    return success({});
  }

  function removeAll(messages: Map<string, Message>, entries: readonly DeleteEntry[]): Answer {
    for (const { ReceiptHandle } of entries) remove(messages, ReceiptHandle);
    return success({ Successful: entries.map(({ Id }) => ({ Id })), Failed: [] });
  }

  /** Each entry has its own result; a handle that is not the newest of its message changes nothing. */
  function changeVisibility(messages: Map<string, Message>, entries: unknown): Answer {
    const Successful: object[] = [];
    const Failed: object[] = [];
    for (const { Id, ReceiptHandle, VisibilityTimeout } of entries as VisibilityEntry[]) {
      if (!RECEIPT_HANDLE.test(ReceiptHandle)) {
        const Message = `The input receipt handle "${ReceiptHandle}" is not a valid receipt handle.`;
        Failed.push({ Id, SenderFault: true, Code: 'ReceiptHandleIsInvalid', Message });
        continue;
      }
      for (const message of messages.values())
        if (message.receiptHandle === ReceiptHandle) message.visibleAt = now() + 1000 * VisibilityTimeout;
      Successful.push({ Id });
    }
    return success({ Successful, Failed });
  }

  function attributes(name: string, messages: Map<string, Message>, wanted: unknown): Answer {
    const visible = [...messages.values()].filter(({ visibleAt }) => visibleAt <= now()).length;
    const known = {
      QueueArn: `arn:aws:sqs:${region}:${account}:${name}`,
      ApproximateNumberOfMessages: `${visible}`,
      ApproximateNumberOfMessagesNotVisible: `${messages.size - visible}`,
    };
    const named = Object.entries(known).filter(([attribute]) => isNamed(attribute, wanted));
    return success(named.length === 0 ? {} : { Attributes: Object.fromEntries(named) });
  }

  return {
    bodies: (name) => [...(queues.get(name)?.values() ?? [])].map(({ body }) => body),
    answer,
  };
}

function messageOf({ id, body, receiptHandle, receiveCount }: Message, withCount: boolean): object {
  const Attributes = { ApproximateReceiveCount: `${receiveCount}` };
  return {
    MessageId: id,
    ReceiptHandle: receiptHandle,
    Body: body,
    MD5OfBody: md5(body),
    ...(withCount && { Attributes }),
  };
}

function isNamed(name: string, wanted: unknown): boolean {
  return Array.isArray(wanted) && (wanted.includes(name) || wanted.includes('All'));
}

/** The header has the code of the old query protocol of SQS, which can differ from the code in the body. */
function refuse(code: string, message: string, queryCode = code): Answer {
  return failure(400, `com.amazonaws.sqs#${code}`, message, { 'x-amzn-query-error': `${queryCode};Sender` });
}

/** The SDK compares it with the hash of the text that it sent or received. */
function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
