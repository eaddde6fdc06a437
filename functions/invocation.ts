import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import type { BusWatch } from './bus/bus-watch.ts';
import { type Container, createContainer } from './clients.ts';
import { type Config, readConfig } from './settings.ts';
import { identify, logger, metrics } from './telemetry.ts';

/** What ends a run in time. */
export interface Signals {
  /** No further unit of work is begun once it is aborted; those under way are finished. */
  readonly drain: AbortSignal;
  /** Everything under way is given up once it is aborted. */
  readonly stop: AbortSignal;
}

/** One call of a function, with what its container keeps. */
export interface Invocation {
  readonly payload: unknown;
  readonly config: Config;
  readonly container: Container;
  readonly bus: BusWatch;
  readonly signals: Signals;
  /** Bytes that the function has. */
  readonly memory: number;
}

/**
 * Makes the handler of a Lambda function: configuration, clients, logs, metrics and the deadline around its work.
 *
 * Configuration and clients are made once per container. A failure of that is not kept: the next invocation tries
 * again. The bus is looked up at each invocation.
 * @param onStart told of the configuration once, for warnings
 */
export function createHandler<Result>(
  run: (invocation: Invocation) => Promise<Result>,
  onStart: (config: Config) => void = () => {},
) {
  let ready: Promise<{ config: Config; container: Container }> | undefined;

  async function prepare() {
    const config = readConfig(process.env);
    identify(config);
    onStart(config);
    const container = createContainer(config, (message) => logger.warn(message));
    return { config, container };
  }

  async function handle(payload: unknown, context: Context): Promise<Result> {
    const signals = deadlines(context.getRemainingTimeInMillis());
    ready ??= prepare();
    const { config, container } = await ready.catch((error: unknown) => {
      ready = undefined;
      throw error;
    });
    const memory = Number(context.memoryLimitInMB) * 1024 * 1024;
    const bus = container.watchBus(signals.drain);
    return run({ payload, config, container, bus, signals, memory });
  }

  return middy(handle)
    .use(logMetrics(metrics))
    .use(injectLambdaContext(logger, { resetKeys: true }));
}

/** The longest time of a timer in Node.js, in milliseconds: 25 days. */
const MAX_TIMER = 2 ** 31 - 1;

/**
 * The signals of a run that has some time left.
 *
 * @param left milliseconds, any number
 */
export function deadlines(left: number): Signals {
  const { drain, stop } = deadlineTimes(left);
  return { drain: AbortSignal.timeout(drain), stop: AbortSignal.timeout(stop) };
}

/**
 * When a run drains and when it stops, in whole milliseconds from now.
 *
 * A fifth of the time that is left is for what is under way when nothing new is begun, ten seconds at the most. A tenth
 * of that is for giving back the lease when everything is given up.
 */
export function deadlineTimes(left: number): { readonly drain: number; readonly stop: number } {
  const time = Math.min(MAX_TIMER, Math.max(0, left || 0));
  const margin = Math.min(10_000, time / 5);
  return { drain: Math.floor(time - margin), stop: Math.floor(time - margin / 10) };
}
