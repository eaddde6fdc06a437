import { join } from 'node:path';
import type { ForwardResult } from '../functions/forward/handler.ts';
import type { RedriveResult } from '../functions/redrive/handler.ts';
import { type Bundle, buildFunctions } from '../infra/build.ts';
import { BUNDLE_FILE, BUNDLES } from '../infra/bundle.ts';
import { type LocalBus, startBus } from './bus/server.ts';
import { createTable, localClient, startDynamoDB } from './dynamodb.ts';
import { createFunction, type LocalFunction } from './lambda/function.ts';

export interface StackOptions {
  readonly redisUrl: string;
  /** The built function. */
  readonly bundle: Pick<Bundle, 'file' | 'bytes'>;
  /** Further environment of the function. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly onLog?: (line: string) => void;
  /** Texts of secrets, by name. */
  readonly secrets?: Readonly<Record<string, string>>;
}

/** What `cdk deploy` makes, on this machine: bus, table, dead-letter queue, payload bucket, and the built functions. */
export interface LocalStack extends AsyncDisposable {
  readonly bus: LocalBus;
  readonly forward: LocalFunction<ForwardResult>;
  /** Another process of the same function, as Lambda starts one for an invocation at the same time. */
  startForward(environment?: Readonly<Record<string, string>>): LocalFunction<ForwardResult>;
  /** The function that sends parked events again, in a process of its own. */
  startRedrive(environment?: Readonly<Record<string, string>>): LocalFunction<RedriveResult>;
  readonly tableUrl: string;
  /** What runs where, in words. */
  readonly parts: readonly string[];
}

export const BUS = 'bullbridge';
export const TABLE = 'bullbridge';
export const DEAD_LETTERS = 'bullbridge-dead-letters';
export const PAYLOADS = 'bullbridge-payloads';

/** Builds the function from the sources as they are. */
export async function buildForward(): Promise<Bundle> {
  const bundle = (await buildFunctions()).find(({ name }) => name === 'forward');
  if (!bundle) throw new Error('functions/forward/handler.ts was not built');
  return bundle;
}

export async function startStack({
  redisUrl,
  bundle,
  environment,
  onLog,
  secrets = {},
}: StackOptions): Promise<LocalStack> {
  const started = new AsyncDisposableStack();
  const dynamodb = started.use(await startDynamoDB());
  const bus = started.use(await startBus({ buses: [BUS], queues: [DEAD_LETTERS], buckets: [PAYLOADS], secrets }));
  await createTable(localClient(dynamodb.url), TABLE);
  const startFunction = <Result>(file: string, overrides: Readonly<Record<string, string>> = {}) =>
    started.use(
      createFunction<Result>({
        bundle: file,
        environment: {
          REDIS_URL: redisUrl,
          EVENT_BUS_NAME: BUS,
          CHECKPOINT_TABLE: TABLE,
          DEAD_LETTER_QUEUE_URL: bus.queueUrl(DEAD_LETTERS),
          PAYLOAD_BUCKET: PAYLOADS,
          AWS_ENDPOINT_URL_EVENTBRIDGE: bus.url,
          AWS_ENDPOINT_URL_SQS: bus.url,
          AWS_ENDPOINT_URL_S3: bus.url,
          AWS_ENDPOINT_URL_SECRETS_MANAGER: bus.url,
          AWS_ENDPOINT_URL_DYNAMODB: dynamodb.url,
          ...environment,
          ...overrides,
        },
        ...(onLog && { onLog }),
      }),
    );
  const startForward = (overrides?: Readonly<Record<string, string>>) =>
    startFunction<ForwardResult>(bundle.file, overrides);
  // Built with the other.
  const startRedrive = (overrides?: Readonly<Record<string, string>>) =>
    startFunction<RedriveResult>(join(BUNDLES, 'redrive', BUNDLE_FILE), overrides);
  const forward = startForward();
  const parts = [
    `DynamoDB   ${dynamodb.what} at ${dynamodb.url}`,
    `bus        bullbridge's own PutEvents, SQS and S3 endpoint at ${bus.url}`,
    `function   dist/lambda/forward/index.mjs (${Math.round(bundle.bytes / 1000)} kB), in a process of its own`,
  ];
  return {
    bus,
    forward,
    startForward,
    startRedrive,
    tableUrl: dynamodb.url,
    parts,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
