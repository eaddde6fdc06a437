import http from 'node:http';
import { listen } from '../../listen.ts';

/**
 * The IAM action of a call, where it has another name:
 * https://docs.aws.amazon.com/service-authorization/latest/reference/
 */
const ACTIONS: Readonly<Record<string, string>> = {
  'sqs:ChangeMessageVisibilityBatch': 'sqs:ChangeMessageVisibility',
};

/** The IAM prefix of a service, by what `X-Amz-Target` says. */
const SERVICES: Readonly<Record<string, string>> = {
  AWSEvents: 'events',
  AmazonSQS: 'sqs',
  DynamoDB_20120810: 'dynamodb',
  secretsmanager: 'secretsmanager',
};

export interface Recorder {
  readonly url: string;
  /** The IAM actions of the calls so far, in the order of the alphabet. */
  actions(): string[];
}

/** Passes what a function asks of AWS on to the local services, and writes down which action each call is. */
export async function startRecorder(services: { readonly bus: string; readonly dynamodb: string }): Promise<Recorder> {
  const actions = new Set<string>();
  const server = http.createServer((request, response) => {
    const action = actionOf(request);
    actions.add(action);
    const upstream = new URL(request.url ?? '/', action.startsWith('dynamodb:') ? services.dynamodb : services.bus);
    const { method, headers } = request;
    const passed = http.request(upstream, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => response.destroy());
    request.pipe(passed);
  });
  return {
    url: `http://127.0.0.1:${await listen(server)}`,
    actions: () => [...actions].sort(),
  };
}

function actionOf({ method, headers }: http.IncomingMessage): string {
  const [target = '', operation] = String(headers['x-amz-target'] ?? '').split('.');
  if (operation === undefined) return method === 'PUT' ? 's3:PutObject' : `s3:${method}`;
  const action = `${SERVICES[target] ?? target}:${operation}`;
  return ACTIONS[action] ?? action;
}
