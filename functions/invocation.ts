import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import type { BusWatch } from './bus/bus-watch.ts';
import { type Container, createContainer } from './clients.ts';
import { type Config, readConfig } from './settings.ts';
import { identify, logger, metrics } from './telemetry.ts';

/**
 * Whether the init phase has more of a processor than the invocations, as only Lambda gives it.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 */
export const isOnLambda = process.env['AWS_LAMBDA_INITIALIZATION_TYPE'] !== undefined;

/** The signals that end a run before its deadline. */
export interface Signals {
  /** Once it is aborted, the run begins no more work, but finishes the work that it has begun. */
  readonly drain: AbortSignal;
  /** Once it is aborted, the run gives up all work. */
  readonly stop: AbortSignal;
}

/** One invocation of a function, with the clients of its container. */
export interface Invocation {
  readonly payload: unknown;
  readonly config: Config;
  readonly container: Container;
  readonly bus: BusWatch;
  readonly signals: Signals;
  /** Memory of the function in bytes. */
  readonly memory: number;
}

/**
 * Creates the handler of a Lambda function: configuration, clients, logs, metrics and the deadline around its work.
 *
 * Configuration and clients are created once per container, in its init phase. After a failure, the next invocation
 * tries again, and reports it. The bus is checked at each invocation.
 * @param onStart is called once with the configuration, for warnings
 */
export function createHandler<Result>(
  run: (invocation: Invocation) => Promise<Result>,
  onStart: (config: Config) => void = () => {},
) {
  let ready: ReturnType<typeof prepare> | undefined;

  async function prepare() {
    const config = readConfig(process.env);
    identify(config);
    onStart(config);
    const container = createContainer(config, (message) => logger.warn(message));
    return { config, container };
  }

  function prepared() {
    ready ??= prepare();
    ready.catch(() => {
      ready = undefined;
    });
    return ready;
  }

  async function handle(payload: unknown, context: Context): Promise<Result> {
    const signals = deadlines(context.getRemainingTimeInMillis());
    const { config, container } = await prepared();
    const memory = Number(context.memoryLimitInMB) * 1024 * 1024;
    const bus = container.watchBus(signals.drain);
    return run({ payload, config, container, bus, signals, memory });
  }

  // In the init phase.
  prepared();
  return middy(handle)
    .use(logMetrics(metrics))
    .use(injectLambdaContext(logger, { resetKeys: true }));
}

/** The longest time of a timer in Node.js, in milliseconds: 25 days. */
const MAX_TIMER = 2 ** 31 - 1;

/**
 * The signals of a run.
 *
 * @param left milliseconds until its deadline, any number
 */
export function deadlines(left: number): Signals {
  const { drain, stop } = deadlineTimes(left);
  return { drain: AbortSignal.timeout(drain), stop: AbortSignal.timeout(stop) };
}

/**
 * The times at which a run drains and stops, in whole milliseconds from now.
 *
 * A fifth of the remaining time, up to ten seconds, is for finishing the work under way. A tenth of that is for giving
 * back the lease after all work is given up.
 */
export function deadlineTimes(left: number): { readonly drain: number; readonly stop: number } {
  const time = Math.min(MAX_TIMER, Math.max(0, left || 0));
  const margin = Math.min(10_000, time / 5);
  return { drain: Math.floor(time - margin), stop: Math.floor(time - margin / 10) };
}
