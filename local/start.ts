import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { BullmqDetail } from '../functions/event/detail.ts';
import type { ForwardResult } from '../functions/forward/handler.ts';
import { createArrivals } from './arrivals.ts';
import { startRedis } from './redis.ts';
import { BUS, buildBundles, type LocalStack, startStack } from './stack.ts';
import { countStreams, findQueues, removePrefix } from './streams.ts';
import { summarize } from './summary.ts';
import { createTerminal } from './terminal.ts';
import { startWorkload, type Workload } from './workload.ts';

const USAGE = `Usage: npm start -- [options]

Runs real BullMQ queues and workers for some seconds, forwards their events with the built Lambda function, and sums up.
  --watch           go on until Ctrl-C
  --queues <names>  forward these queues of REDIS_URL instead (comma-separated, or * for all); that Redis is only read
  --prefix <text>   BullMQ key prefix of those queues (default: bull)
  --help            this text
REDIS_URL says which Redis to use; without it, one is started.`;

const SOURCE_NAME = 'local';
const EVENTS = ['completed', 'failed', 'stalled', 'progress'] as const;
type ForwardedDetail = BullmqDetail<(typeof EVENTS)[number]>;
const JOBS = 120;
/** The schedule's interval in milliseconds; on AWS the shortest is a minute. */
const INTERVAL = 1000;

interface Options {
  readonly watch: boolean;
  /** Queues of the user's own Redis; absent for the demonstration with its own workers. */
  readonly queues?: string | undefined;
  readonly prefix: string;
}

const terminal = createTerminal(process.stdout);

function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      watch: { type: 'boolean' },
      queues: { type: 'string' },
      prefix: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return undefined;
  if (values.queues !== undefined && !process.env['REDIS_URL']) {
    throw new Error(
      '--queues reads the queues of your own Redis: set REDIS_URL, as in `REDIS_URL=redis://localhost:6379 npm start -- --queues emails`.',
    );
  }
  const prefix = values.prefix ?? (values.queues === undefined ? `bullbridge-demo-${process.pid}` : 'bull');
  return { watch: values.watch ?? false, queues: values.queues, prefix };
}

async function main({ watch, queues, prefix }: Options, interrupted: AbortSignal): Promise<boolean> {
  await using started = new AsyncDisposableStack();
  const redis = started.use(await startRedis({ url: process.env['REDIS_URL'] }));
  const stack = started.use(
    await startStack({
      redisUrl: redis.url,
      bundles: await buildBundles(),
      environment: {
        BULLBRIDGE_PREFIX: prefix,
        BULLBRIDGE_QUEUES: queues ?? '*',
        BULLBRIDGE_EVENTS: EVENTS.join(),
        BULLBRIDGE_SOURCE_NAME: SOURCE_NAME,
        BULLBRIDGE_INTERVAL_SECONDS: '1',
        BULLBRIDGE_TAIL: 'never',
      },
    }),
  );
  for (const part of [`Redis      ${redis.what} at ${withoutPassword(redis.url)}`, ...stack.parts])
    terminal.line(terminal.paint('dim', part));
  const workload = queues === undefined ? started.use(await startWorkload(redis.url, prefix)) : undefined;
  if (workload) started.defer(() => removePrefix(redis.url, prefix));
  terminal.line(
    `\nA rule delivers ${EVENTS.join(', ')} of ${queues ?? workload?.queues.join(', ')}; the function runs each second:\n`,
  );

  const arrivals = createArrivals();
  stack.bus.subscribe({
    bus: BUS,
    pattern: { source: ['bullmq'], detail: { event: EVENTS } },
    deliver: (event) => {
      const detail = event.detail as unknown as ForwardedDetail;
      arrivals.add(detail, Date.now());
      printEvent(event['detail-type'], detail);
    },
  });
  const results = await forwardUntilDone(stack, workload, watch, interrupted);

  const names = queues === undefined || queues === '*' ? await findQueues(redis.url, prefix) : queues.split(',');
  const counts = await countStreams(redis.url, prefix, names);
  const summary = await summarize({
    stack,
    workload,
    results,
    arrivals,
    counts,
    sourceName: SOURCE_NAME,
    prefix,
    events: EVENTS,
  });
  terminal.line();
  for (const line of summary.lines) terminal.line(line);
  for (const fault of summary.faults) terminal.line(terminal.paint('red', fault));
  return summary.faults.length === 0;
}

/** Invokes the function each second while there is work, and until it has caught up with all of it. */
async function forwardUntilDone(
  stack: LocalStack,
  workload: Workload | undefined,
  watch: boolean,
  interrupted: AbortSignal,
) {
  const results: ForwardResult[] = [];
  let working = true;
  const work = (workload?.run(watch ? Number.POSITIVE_INFINITY : JOBS, interrupted) ?? Promise.resolve()).finally(
    () => {
      working = watch && !workload && !interrupted.aborted;
    },
  );
  // What workers still do when they are told to end is forwarded, too.
  const goesOn = () => working && (workload !== undefined || !interrupted.aborted);
  for (;;) {
    const wasWorking = goesOn();
    const result = await stack.forward.invoke();
    results.push(result);
    const published = results.reduce((sum, each) => sum + each.published, 0);
    terminal.progress(
      `${workload ? `${workload.finished()} of ${workload.added()} jobs finished · ` : ''}${published} events published`,
    );
    if (!wasWorking && result.caughtUp) break;
    await setTimeout(INTERVAL, undefined, { signal: interrupted }).catch(() => {});
  }
  await work;
  terminal.progress('');
  return results;
}

function printEvent(type: string, detail: ForwardedDetail): void {
  const { queue, jobId, timestamp } = detail;
  const said = JSON.stringify(saidBy(detail)) ?? '';
  const colour = type === 'Job Failed' ? 'red' : type === 'Job Completed' ? 'green' : 'cyan';
  const age = terminal.paint('dim', `after ${Date.now() - timestamp} ms`);
  terminal.line(
    `  ${terminal.paint(colour, type.padEnd(14))} ${queue.padEnd(9)} #${(jobId ?? '').padEnd(4)} ${said.slice(0, 60).padEnd(44)} ${age}`,
  );
}

function saidBy(detail: ForwardedDetail): unknown {
  if (detail.event === 'completed') return detail.returnvalue;
  if (detail.event === 'failed') return detail.failedReason;
  return detail.event === 'progress' ? detail.data : undefined;
}

function withoutPassword(url: string): string {
  const shown = new URL(url);
  if (shown.password) shown.password = '***';
  return shown.href;
}

const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt.abort());
try {
  const options = readOptions();
  if (!options) terminal.line(USAGE);
  else process.exitCode = (await main(options, interrupt.signal)) ? 0 : 1;
} catch (error) {
  terminal.line(terminal.paint('red', error instanceof Error ? error.message : String(error)));
  process.exitCode = 1;
}
