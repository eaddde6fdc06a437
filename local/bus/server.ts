import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { compilePattern } from './event-pattern.ts';
import type { Fault, FaultPlan } from './faults.ts';
import { refuseEntry, refuseRequest, type WireEntry } from './put-events.ts';
import { createQueues } from './queues.ts';

/** An event as EventBridge hands it to the target of a rule. */
export interface BusEvent {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: string;
  readonly account: string;
  /** Whole seconds, as AWS writes it. */
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: Record<string, unknown>;
}

/** A rule of a bus with one target. */
export interface Subscription {
  readonly bus: string;
  /** An EventBridge event pattern. */
  readonly pattern: unknown;
  readonly deliver: (event: BusEvent) => void;
}

export interface AcceptedEntry extends WireEntry {
  readonly detail: Record<string, unknown>;
}

export interface BusOptions {
  readonly buses: readonly string[];
  readonly queues?: readonly string[];
  /** Texts of secrets, by ARN or name. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Milliseconds until an answer. @default 0 */
  readonly delay?: number;
  /** Whether to keep and look into what was accepted; off for a benchmark. @default true */
  readonly record?: boolean;
  /** @default any that is free */
  readonly port?: number;
}

/** The part of AWS that a run needs, on the loopback interface: PutEvents with rules, SQS, and secrets. */
export interface LocalBus extends AsyncDisposable {
  readonly url: string;
  queueUrl(name: string): string;
  subscribe(subscription: Subscription): void;
  /** What PutEvents accepted for a bus that exists, in order. */
  readonly accepted: readonly AcceptedEntry[];
  /** How many PutEvents requests came, and how many entries were accepted. */
  readonly counts: { readonly requests: number; readonly entries: number };
  /** Bodies of a queue's messages. */
  messages(queue: string): string[];
  /** What goes wrong; set by a test. */
  readonly faults: {
    putEvents?:
      | FaultPlan<{ readonly entries: readonly Required<Pick<WireEntry, 'Source' | 'DetailType' | 'Detail'>>[] }>
      | undefined;
    sendMessage?: FaultPlan<object> | undefined;
    describeEventBus?: FaultPlan<object> | undefined;
  };
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

const ACCOUNT = '000000000000';
const REGION = 'eu-west-1';

/** Starts the endpoint; it answers the JSON protocols of the AWS SDK by their `X-Amz-Target`. */
export async function startBus({
  buses,
  queues = [],
  secrets = {},
  delay = 0,
  record = true,
  port = 0,
}: BusOptions): Promise<LocalBus> {
  const names = new Set(buses);
  const subscriptions: (Subscription & { readonly matches: (event: object) => boolean })[] = [];
  const accepted: AcceptedEntry[] = [];
  const counts = { requests: 0, entries: 0 };
  const numbers = new Map<string, number>();
  const faults: LocalBus['faults'] = {};
  const store = createQueues((name) => `${url}/${ACCOUNT}/${name}`);
  for (const name of queues) store.create(name);

  function planned<Request extends object>(
    operation: string,
    plan: FaultPlan<Request> | undefined,
    request: Request,
  ): Fault | undefined {
    const number = (numbers.get(operation) ?? 0) + 1;
    numbers.set(operation, number);
    return plan?.({ ...request, number });
  }

  function accept(entry: WireEntry): { EventId: string } {
    const EventId = randomUUID();
    counts.entries += 1;
    const bus = entry.EventBusName?.split('/').at(-1) ?? 'default';
    // Accepted all the same, as AWS does it: nobody is told that it goes nowhere.
    if (!record || !names.has(bus) || (entry.DetailType?.length ?? 0) > 128) return { EventId };
    const detail = JSON.parse(entry.Detail ?? '{}');
    accepted.push({ ...entry, detail });
    const event = toEvent(EventId, entry, detail);
    for (const { bus: wanted, matches, deliver } of subscriptions) if (wanted === bus && matches(event)) deliver(event);
    return { EventId };
  }

  function putEvents(entries: readonly WireEntry[], fault: Fault | undefined): Answer {
    counts.requests += 1;
    const refused = refuseRequest(entries);
    if (refused) return failure(refused.status, refused.code, refused.message);
    const codes = fault?.kind === 'entries' ? fault.codes : {};
    const results = entries.map((entry, i) => {
      const code = codes[i];
      if (code) return { ErrorCode: code, ErrorMessage: 'planned' };
      if (fault?.kind === 'blank' && i === 0) return {};
      return (record && refuseEntry(entry)) || accept(entry);
    });
    const FailedEntryCount = results.filter((result) => 'ErrorCode' in result).length;
    return success({ FailedEntryCount, Entries: fault?.kind === 'short' ? results.slice(0, -1) : results });
  }

  function describeEventBus(nameOrArn: string): Answer {
    const Name = nameOrArn.split('/').at(-1) ?? '';
    if (!names.has(Name)) return failure(400, 'ResourceNotFoundException', `Event bus ${Name} does not exist.`);
    return success({ Name, Arn: `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/${Name}` });
  }

  function getSecretValue(id: string): Answer {
    const SecretString = secrets[id];
    if (SecretString === undefined)
      return failure(400, 'ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
    return success({ ARN: id, Name: id, SecretString });
  }

  function sqs(operation: string, input: Record<string, unknown>): Answer {
    const answer = store.answer(operation, input);
    return 'code' in answer ? failure(answer.status, answer.code, answer.message) : success(answer);
  }

  /** Some faults happen before anything is accepted, the others after. */
  function answer(
    target: string,
    input: Record<string, unknown>,
  ): { readonly fault: Fault | undefined; readonly answer: () => Answer } {
    const [service = '', operation = ''] = target.split('.');
    if (target === 'AWSEvents.PutEvents') {
      const entries = (input['Entries'] ?? []) as Required<WireEntry>[];
      const fault = planned(operation, faults.putEvents, { entries });
      return { fault, answer: () => putEvents(entries, fault) };
    }
    if (target === 'AWSEvents.DescribeEventBus') {
      return {
        fault: planned(operation, faults.describeEventBus, {}),
        answer: () => describeEventBus(String(input['Name'])),
      };
    }
    if (target === 'secretsmanager.GetSecretValue')
      return { fault: undefined, answer: () => getSecretValue(String(input['SecretId'])) };
    if (service === 'AmazonSQS') {
      const fault = operation === 'SendMessage' ? planned(operation, faults.sendMessage, {}) : undefined;
      return { fault, answer: () => sqs(operation, input) };
    }
    return {
      fault: undefined,
      answer: () => failure(400, 'UnknownOperationException', `${target} is not known here.`),
    };
  }

  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    if (request.url === '/stats') return void response.end(JSON.stringify(counts));
    const input = JSON.parse(Buffer.concat(chunks).toString() || '{}');
    const { fault, answer: take } = answer(String(request.headers['x-amz-target']), input);
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'reset') return void request.socket.destroy();
    const { status, body } = answerOf(fault, take);
    if (fault?.kind === 'reset-after-accept') return void request.socket.destroy();
    if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
    response
      .writeHead(status, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': randomUUID() })
      .end(body);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url,
    queueUrl: (name) => `${url}/${ACCOUNT}/${name}`,
    subscribe: (subscription) =>
      void subscriptions.push({ ...subscription, matches: compilePattern(subscription.pattern) }),
    accepted,
    counts,
    messages: (queue) => store.bodies(queue),
    faults,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function answerOf(fault: Fault | undefined, take: () => Answer): Answer {
  if (fault?.kind === 'error') return failure(fault.status, fault.code, fault.message ?? 'planned');
  if (fault?.kind === 'garbage') return { status: 200, body: '<html>' };
  return take();
}

function success(body: object): Answer {
  return { status: 200, body: JSON.stringify(body) };
}

function failure(status: number, code: string, message: string): Answer {
  return { status, body: JSON.stringify({ __type: code, message }) };
}

function toEvent(id: string, entry: WireEntry, detail: Record<string, unknown>): BusEvent {
  const time = new Date(entry.Time === undefined ? Date.now() : entry.Time * 1000);
  return {
    version: '0',
    id,
    'detail-type': entry.DetailType ?? '',
    source: entry.Source ?? '',
    account: ACCOUNT,
    time: `${time.toISOString().slice(0, 19)}Z`,
    region: REGION,
    resources: entry.Resources ?? [],
    detail,
  };
}
