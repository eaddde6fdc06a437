import { randomUUID } from 'node:crypto';
import type { ForwardResult } from '../functions/forward/handler.ts';
import type { ReconcileResult } from '../functions/reconcile/handler.ts';
import type { RedriveResult } from '../functions/redrive/handler.ts';
import { bundleFile } from '../infra/build/bundle.ts';
import { type LocalBus, startBus } from './bus/server.ts';
import { createTable, localClient } from './dynamodb.ts';
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
  readonly dynamoUrl: string;
  /** More environment variables of the functions. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly onLog?: (line: string) => void;
  /** Texts of secrets, by name. */
  readonly secrets?: Readonly<Record<string, string>>;
}

/** The stack on this machine: bus, table, dead-letter queue, payload bucket, and the functions. */
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
  /** The name of its checkpoint table. */
  readonly table: string;
  readonly tableUrl: string;
}

export const BUS = 'bullbridge';
export const DEAD_LETTERS = 'bullbridge-dead-letters';
export const PAYLOADS = 'bullbridge-payloads';

/** Starts the stack, whose functions must be built already, with a table of its own. */
export async function startStack(options: StackOptions): Promise<LocalStack> {
  const { redisUrl, dynamoUrl, environment, onLog, secrets = {} } = options;
  const table = `bullbridge-${randomUUID()}`;
  const client = localClient(dynamoUrl);
  await createTable(client, table).finally(() => client.destroy());
  const started = new AsyncDisposableStack();
  const bus = started.use(await startBus({ buses: [BUS], queues: [DEAD_LETTERS], buckets: [PAYLOADS], secrets }));
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
          CHECKPOINT_TABLE: table,
          DEAD_LETTER_QUEUE_URL: bus.queueUrl(DEAD_LETTERS),
          PAYLOAD_BUCKET: PAYLOADS,
          AWS_ENDPOINT_URL_EVENTBRIDGE: bus.url,
          AWS_ENDPOINT_URL_SQS: bus.url,
          AWS_ENDPOINT_URL_S3: bus.url,
          AWS_ENDPOINT_URL_SECRETS_MANAGER: bus.url,
          AWS_ENDPOINT_URL_DYNAMODB: dynamoUrl,
          ...environment,
          ...overrides,
        },
        ...(onLog && { onLog }),
      }),
    );
  return {
    bus,
    forward: start('forward'),
    reconcile: start('reconcile'),
    redrive: start('redrive'),
    start,
    table,
    tableUrl: dynamoUrl,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
