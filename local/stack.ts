import { stat } from 'node:fs/promises';
import type { ForwardResult } from '../functions/forward/handler.ts';
import type { ReconcileResult } from '../functions/reconcile/handler.ts';
import type { RedriveResult } from '../functions/redrive/handler.ts';
import { bundleFile } from '../infra/build/bundle.ts';
import { type LocalBus, startBus } from './bus/server.ts';
import { createTable, localClient, startDynamoDB } from './dynamodb.ts';
import { createFunction, type FunctionOptions, type LocalFunction } from './lambda/function.ts';

/** The results of the functions, by their names, which are their folders in `functions/`. */
interface Results {
  readonly forward: ForwardResult;
  readonly reconcile: ReconcileResult;
  readonly redrive: RedriveResult;
}

type FunctionName = keyof Results;

export interface StackOptions {
  readonly redisUrl: string;
  /** More environment variables of the functions. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly onLog?: (line: string) => void;
  /** Texts of secrets, by name. */
  readonly secrets?: Readonly<Record<string, string>>;
}

/** The stack on this machine: bus, table, dead-letter queue, payload bucket, and the built functions. */
export interface LocalStack extends AsyncDisposable {
  readonly bus: LocalBus;
  readonly forward: LocalFunction<ForwardResult>;
  readonly reconcile: LocalFunction<ReconcileResult>;
  readonly redrive: LocalFunction<RedriveResult>;
  /** Starts another process of a function, as Lambda does for a concurrent invocation. */
  start<Name extends FunctionName>(
    name: Name,
    environment?: Readonly<Record<string, string>>,
    options?: Pick<FunctionOptions, 'timeout'>,
  ): LocalFunction<Results[Name]>;
  readonly tableUrl: string;
  /** The parts and their addresses, for people. */
  readonly parts: readonly string[];
}

export const BUS = 'bullbridge';
export const TABLE = 'bullbridge';
export const DEAD_LETTERS = 'bullbridge-dead-letters';
export const PAYLOADS = 'bullbridge-payloads';

/** Starts the stack; whoever invokes a function has built it before. */
export async function startStack({ redisUrl, environment, onLog, secrets = {} }: StackOptions): Promise<LocalStack> {
  const { size } = await stat(bundleFile('forward'));
  await using starting = new AsyncDisposableStack();
  const dynamodb = starting.use(await startDynamoDB());
  const bus = starting.use(await startBus({ buses: [BUS], queues: [DEAD_LETTERS], buckets: [PAYLOADS], secrets }));
  await createTable(localClient(dynamodb.url), TABLE);
  const started = starting.move();
  const start = <Name extends FunctionName>(
    name: Name,
    overrides: Readonly<Record<string, string>> = {},
    options: Pick<FunctionOptions, 'timeout'> = {},
  ) =>
    started.use(
      createFunction<Results[Name]>({
        ...options,
        name,
        bundle: bundleFile(name),
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
  const parts = [
    `DynamoDB   ${dynamodb.what} at ${dynamodb.url}`,
    `bus        bullbridge's own PutEvents, SQS and S3 endpoint at ${bus.url}`,
    `function   dist/lambda/forward/index.mjs (${Math.round(size / 1000)} kB), in a process of its own`,
  ];
  return {
    bus,
    forward: start('forward'),
    reconcile: start('reconcile'),
    redrive: start('redrive'),
    start,
    tableUrl: dynamodb.url,
    parts,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
