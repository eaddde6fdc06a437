import type { ForwardResult } from '../functions/forward/handler.ts';
import { type Bundle, buildFunctions } from '../infra/build.ts';
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

/** What `cdk deploy` makes, on this machine: bus, table, dead-letter queue, and the built function. */
export interface LocalStack extends AsyncDisposable {
  readonly bus: LocalBus;
  readonly forward: LocalFunction<ForwardResult>;
  /** Another process of the same function, as Lambda starts one for an invocation at the same time. */
  startForward(environment?: Readonly<Record<string, string>>): LocalFunction<ForwardResult>;
  readonly tableUrl: string;
  /** What runs where, in words. */
  readonly parts: readonly string[];
}

export const BUS = 'bullbridge';
export const TABLE = 'bullbridge';
export const DEAD_LETTERS = 'bullbridge-dead-letters';

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
  const bus = started.use(await startBus({ buses: [BUS], queues: [DEAD_LETTERS], secrets }));
  await createTable(localClient(dynamodb.url), TABLE);
  const startForward = (overrides: Readonly<Record<string, string>> = {}) =>
    started.use(
      createFunction<ForwardResult>({
        bundle: bundle.file,
        environment: {
          REDIS_URL: redisUrl,
          EVENT_BUS_NAME: BUS,
          CHECKPOINT_TABLE: TABLE,
          DEAD_LETTER_QUEUE_URL: bus.queueUrl(DEAD_LETTERS),
          AWS_ENDPOINT_URL_EVENTBRIDGE: bus.url,
          AWS_ENDPOINT_URL_SQS: bus.url,
          AWS_ENDPOINT_URL_SECRETS_MANAGER: bus.url,
          AWS_ENDPOINT_URL_DYNAMODB: dynamodb.url,
          ...environment,
          ...overrides,
        },
        ...(onLog && { onLog }),
      }),
    );
  const forward = startForward();
  const parts = [
    `DynamoDB   ${dynamodb.what} at ${dynamodb.url}`,
    `bus        bullbridge's own PutEvents and SQS endpoint at ${bus.url}`,
    `function   dist/lambda/forward/index.mjs (${Math.round(bundle.bytes / 1000)} kB), in a process of its own`,
  ];
  return {
    bus,
    forward,
    startForward,
    tableUrl: dynamodb.url,
    parts,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
