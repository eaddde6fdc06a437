import { setTimeout } from 'node:timers/promises';
import type { ForwardResult } from '../../functions/forward/handler.ts';
import { buildFunction } from '../../infra/build/functions.ts';
import { type Arrivals, createArrivals } from '../arrivals.ts';
import { startDynamoDB } from '../dynamodb.ts';
import type { LocalFunction } from '../lambda/function.ts';
import { BUS, type LocalStack, startStack } from '../stack.ts';
import { EVENTS, eventLine, type ForwardedDetail } from './event-line.ts';
import type { Terminal } from './terminal.ts';

export const SOURCE_NAME = 'local';

/** The interval of the schedule in milliseconds; on AWS, the shortest interval is a minute. */
const INTERVAL = 1000;

/** The queues that are forwarded. */
export interface Source {
  readonly redisUrl: string;
  readonly prefix: string;
  /** `*` for all queues. */
  readonly queues: '*' | readonly string[];
}

/** Seconds that a run may take; it waits that long for a Redis that does not answer. */
const TIMEOUT = 10;

/** The built function, and a subscriber that prints each event. */
export interface Forwarding extends AsyncDisposable {
  readonly stack: LocalStack;
  readonly forward: LocalFunction<ForwardResult>;
  readonly arrivals: Arrivals;
}

export async function startForwarding(source: Source, terminal: Terminal): Promise<Forwarding> {
  const { redisUrl, prefix, queues } = source;
  const { bytes } = await buildFunction('forward');
  await using starting = new AsyncDisposableStack();
  const dynamodb = starting.use(await startDynamoDB());
  const stack = starting.use(
    await startStack({
      redisUrl,
      dynamoUrl: dynamodb.url,
      environment: {
        BULLBRIDGE_PREFIX: prefix,
        BULLBRIDGE_QUEUES: queues === '*' ? queues : queues.join(),
        BULLBRIDGE_EVENTS: EVENTS.join(),
        BULLBRIDGE_SOURCE_NAME: SOURCE_NAME,
        BULLBRIDGE_INTERVAL_SECONDS: `${INTERVAL / 1000}`,
        BULLBRIDGE_TAIL: 'never',
      },
    }),
  );
  const parts = [
    `DynamoDB   ${dynamodb.what} at ${dynamodb.url}`,
    `bus        bullbridge's own PutEvents, SQS and S3 endpoint at ${stack.bus.url}`,
    `function   dist/lambda/forward/index.mjs (${Math.round(bytes / 1000)} kB), in a process of its own`,
  ];
  for (const text of parts) terminal.line({ text, style: 'dim' });
  const arrivals = createArrivals();
  stack.bus.subscribe({
    bus: BUS,
    pattern: { source: ['bullmq'], detail: { event: EVENTS } },
    deliver(event) {
      const detail = event.detail as unknown as ForwardedDetail;
      const now = Date.now();
      arrivals.add(detail, now);
      terminal.row(...eventLine({ type: event['detail-type'], detail, age: now - detail.timestamp }, terminal.columns));
    },
  });
  const forward = stack.start('forward', {}, { timeout: TIMEOUT });
  const started = starting.move();
  return { stack, forward, arrivals, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

export interface RunOptions {
  /** Called before each run: whether more events may come. */
  readonly isMore: () => boolean;
  /** The text of the progress line. */
  readonly progress: (published: string) => string;
  /** Ends the wait between two runs. */
  readonly signal: AbortSignal;
  /** Whether to continue after the signal until every event is forwarded. */
  readonly isWhole: boolean;
  /** Whether to print a failed run and continue with the next one, as on AWS, once a run has succeeded. */
  readonly outlivesFailures: boolean;
}

/** Invokes the function each second until no more events come and a run has caught up. */
export async function forwardAll(
  { forward }: Forwarding,
  { isMore, progress, signal, isWhole, outlivesFailures }: RunOptions,
  terminal: Terminal,
): Promise<ForwardResult[]> {
  const results: ForwardResult[] = [];
  for (;;) {
    const wasMore = isMore();
    try {
      const result = await forward.invoke();
      results.push(result);
      const published = results.reduce((sum, each) => sum + each.published, 0);
      terminal.progress(progress(`${published} events published`));
      if (!wasMore && (result.caughtUp || (signal.aborted && !isWhole))) break;
    } catch (error) {
      if (!outlivesFailures || signal.aborted || results.length === 0) throw error;
      terminal.fault((error as Error).message);
    }
    if (signal.aborted) await setTimeout(INTERVAL / 10);
    else await setTimeout(INTERVAL, undefined, { signal }).catch(() => {});
  }
  terminal.progress('');
  return results;
}
