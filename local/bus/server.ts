import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Answer, failure, success } from './answer.ts';
import {
  type AcceptedEntry,
  type BusCounts,
  createEventBuses,
  type PutEventsRequest,
  type Subscription,
} from './event-buses.ts';
import type { Fault, FaultPlan } from './faults.ts';
import { createObjects, objectFailure } from './objects.ts';
import type { WireEntry } from './put-events.ts';
import { createQueues } from './queues.ts';

export interface BusOptions {
  /** Names of the buses in addition to `default`. */
  readonly buses: readonly string[];
  readonly queues?: readonly string[];
  /** Names of S3 buckets. */
  readonly buckets?: readonly string[];
  /** Texts of secrets, by ARN or name. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Milliseconds until an answer. @default 0 */
  readonly delay?: number;
  /** Whether to keep accepted entries; off for a benchmark. @default true */
  readonly record?: boolean;
  /**
   * Whether to parse each detail; off for a benchmark. Details are always parsed with `record` or with a subscription.
   *
   * @default true
   */
  readonly validate?: boolean;
  /** The status of a PutEvents request over the limit. @default 413 */
  readonly oversize?: 413 | 400;
  /** @default any free port */
  readonly port?: number;
  /** Certificate and key as PEM, to speak TLS. @default plain HTTP */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  /** The clock, in milliseconds since the epoch. @default Date.now */
  readonly now?: () => number;
}

/** The planned faults; a test can set them at any time. */
interface Faults {
  putEvents?: FaultPlan<{ readonly entries: readonly RequestEntry[] }, Fault> | undefined;
  describeEventBus?: FaultPlan<object> | undefined;
  sendMessage?: FaultPlan<object> | undefined;
  getSecretValue?: FaultPlan<object> | undefined;
  receiveMessage?: FaultPlan<object> | undefined;
  deleteMessage?: FaultPlan<object> | undefined;
  putObject?: FaultPlan<{ readonly bytes: number }> | undefined;
}

type RequestEntry = WireEntry & Required<Pick<WireEntry, 'Source' | 'DetailType' | 'Detail'>>;

/** The part of AWS that a run needs, on the loopback interface: PutEvents with rules, SQS, secrets, and S3. */
export interface LocalBus extends AsyncDisposable {
  readonly url: string;
  queueUrl(name: string): string;
  /** The names of the existing buses; tests can delete and add names. */
  readonly buses: Set<string>;
  /** Adds a rule for later events. */
  subscribe(subscription: Subscription): void;
  /** The entries that PutEvents accepted for an existing bus, in order; empty unless `record`. */
  readonly accepted: readonly AcceptedEntry[];
  /** The PutEvents requests, in order; empty unless `record`. */
  readonly requests: readonly PutEventsRequest[];
  /** Also available by `GET /stats`. */
  readonly counts: BusCounts;
  /** The bodies of the messages of a queue. */
  messages(queue: string): string[];
  /** The objects of a bucket as text, by key. */
  objects(bucket: string): ReadonlyMap<string, string>;
  readonly faults: Faults;
}

interface Call {
  readonly fault?: Fault | undefined;
  readonly answer: () => Answer;
  /** Writes a refusal in the format of the service. @default the format of the JSON protocols */
  readonly refuse?: typeof failure;
}

const ACCOUNT = '000000000000';
const REGION = 'eu-west-1';

/**
 * Starts a server on the loopback interface for the JSON protocols of the AWS SDK, by their `X-Amz-Target`.
 *
 * It supports PutEvents and DescribeEventBus of EventBridge, the calls of SQS that move messages, and GetSecretValue of
 * Secrets Manager; any other call fails with `UnknownOperationException`. A PUT or GET without a target is PutObject or
 * GetObject of S3, by `/bucket/key`. A conformance suite compares its answers with those of LocalStack.
 */
export async function startBus(options: BusOptions): Promise<LocalBus> {
  const { secrets = {}, delay = 0, record = true, validate = true, oversize = 413, port = 0, now = Date.now } = options;
  const { tls } = options;
  const shared = { account: ACCOUNT, region: REGION, now };
  const buses = createEventBuses({ names: options.buses, record, validate, oversize, ...shared });
  const queueUrl = (name: string) => `${url}/${ACCOUNT}/${name}`;
  const queues = createQueues({ names: options.queues ?? [], urlOf: queueUrl, ...shared });
  const objects = createObjects(options.buckets ?? []);
  const faults: Faults = {};
  const numbers = {
    putEvents: 0,
    describeEventBus: 0,
    sendMessage: 0,
    receiveMessage: 0,
    deleteMessage: 0,
    getSecretValue: 0,
    putObject: 0,
  };

  /** The fault of a call, and its answer; some faults come before anything is accepted, others after. */
  function callOf(target: string, input: Readonly<Record<string, unknown>>): Call {
    switch (target) {
      case 'AWSEvents.PutEvents': {
        const entries = input['Entries'] as RequestEntry[] | undefined;
        const fault = faults.putEvents?.({ entries: entries ?? [], number: ++numbers.putEvents });
        return { fault, answer: () => buses.putEvents(entries, fault) };
      }
      case 'AWSEvents.DescribeEventBus': {
        const fault = faults.describeEventBus?.({ number: ++numbers.describeEventBus });
        return { fault, answer: () => buses.describe(input['Name'] as string | undefined) };
      }
      case 'secretsmanager.GetSecretValue': {
        const fault = faults.getSecretValue?.({ number: ++numbers.getSecretValue });
        return { fault, answer: () => secretValue(String(input['SecretId'])) };
      }
      case 'AmazonSQS.SendMessage': {
        const fault = faults.sendMessage?.({ number: ++numbers.sendMessage });
        return { fault, answer: () => queues.answer('SendMessage', input) };
      }
      case 'AmazonSQS.ReceiveMessage': {
        const fault = faults.receiveMessage?.({ number: ++numbers.receiveMessage });
        return { fault, answer: () => queues.answer('ReceiveMessage', input) };
      }
      case 'AmazonSQS.DeleteMessage': {
        const fault = faults.deleteMessage?.({ number: ++numbers.deleteMessage });
        return { fault, answer: () => queues.answer('DeleteMessage', input) };
      }
    }
    const [service, operation = ''] = target.split('.');
    if (service === 'AmazonSQS') return { answer: () => queues.answer(operation, input) };
    return {
      answer: () => failure(400, 'UnknownOperationException', `${target || 'No X-Amz-Target'} is not known here.`),
    };
  }

  function secretValue(id: string): Answer {
    const SecretString = secrets[id];
    if (SecretString === undefined)
      return failure(400, 'ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
    return success({ ARN: id, Name: id, SecretString, VersionStages: ['AWSCURRENT'] });
  }

  function objectCallOf({ method, url: path = '', headers }: http.IncomingMessage, body: Buffer): Call {
    const number = method === 'PUT' ? ++numbers.putObject : 0;
    const fault = number > 0 ? faults.putObject?.({ bytes: body.length, number }) : undefined;
    return { fault, answer: () => objects.answer(method, path, headers, body), refuse: objectFailure };
  }

  function jsonCallOf({ headers }: http.IncomingMessage, body: Buffer): Call {
    const input = parse(body.toString());
    if (input) return callOf(String(headers['x-amz-target'] ?? ''), input);
    return { answer: () => failure(400, 'SerializationException', 'The body is no JSON object.') };
  }

  function respond(body: Buffer, request: http.IncomingMessage, response: http.ServerResponse): void {
    const isObject = objects.isAsked(request.method, request.headers);
    const call = isObject ? objectCallOf(request, body) : jsonCallOf(request, body);
    const { fault } = call;
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'reset') return void request.socket.destroy();
    const answer = answerOf(call);
    if (fault?.kind === 'reset-after-accept') return void request.socket.destroy();
    const milliseconds = delay + (fault?.kind === 'late' ? fault.milliseconds : 0);
    if (milliseconds === 0) {
      write(response, answer);
      return;
    }
    const timer = setTimeout(write, milliseconds, response, answer);
    response.on('close', () => clearTimeout(timer));
  }

  const listener: http.RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      if (request.url === '/stats') return write(response, success(buses.counts));
      respond(Buffer.concat(chunks), request, response);
    });
  };
  const server = tls ? https.createServer(tls, listener) : http.createServer(listener);
  // Longer than any client keeps a connection, so that the server never closes one that a client is about to use.
  server.keepAliveTimeout = 600_000;
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const url = `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    url,
    queueUrl,
    buses: buses.names,
    subscribe: buses.subscribe,
    accepted: buses.accepted,
    requests: buses.requests,
    counts: buses.counts,
    messages: queues.bodies,
    objects: objects.texts,
    faults,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function answerOf({ fault, answer, refuse = failure }: Call): Answer {
  if (fault?.kind === 'error') return refuse(fault.status, fault.code, fault.message ?? 'planned');
  if (fault?.kind === 'garbage') return { status: 200, body: '<html>' };
  return answer();
}

function parse(body: string): Record<string, unknown> | undefined {
  try {
    const input = JSON.parse(body || '{}');
    return typeof input === 'object' && input !== null ? input : undefined;
  } catch {
    return undefined;
  }
}

function write(response: http.ServerResponse, { status, body, headers }: Answer): void {
  response.writeHead(status, {
    'content-type': 'application/x-amz-json-1.1',
    'content-length': Buffer.byteLength(body),
    'x-amzn-requestid': randomUUID(),
    ...headers,
  });
  response.end(body);
}
