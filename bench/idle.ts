import type { Redis } from 'ioredis';
import { createTable, localClient } from '../local/dynamodb.ts';
import type { LocalFunction } from '../local/lambda/function.ts';
import { BUS, startStack } from '../local/stack.ts';
import { type Bench, completed } from './bench.ts';
import { MILLION_READS, MILLION_WRITES } from './price.ts';
import { median, type Row, toDigits } from './row.ts';
import { startSink } from './sink.ts';
import { countTableCalls, type TableCalls } from './table-calls.ts';

const QUEUES = 10_000;
/** Functions that share the queues, of which one is measured. */
const SHARDS = 5;
/** Keys of jobs, among which the queues are looked for. */
const JOBS = 200_000;
const ROUNDS = 5;
/** Entries of a busy queue, and quiet ones beside it with one each. */
const BUSY = 50_000;
const QUIET = 2000;
/** Runs of a month, one each minute. */
const RUNS = 43_200;

const names = Array.from({ length: QUEUES }, (_, n) => `q${n}`);

/** What queues cost that are idle, and whether a busy one holds them up when they are not. */
export async function* idleQueues(bench: Bench): AsyncGenerator<Row> {
  bench.note(`writes ${QUEUES.toLocaleString('en')} queues and ${JOBS.toLocaleString('en')} jobs`);
  await fillAll(bench);
  await using sink = await startSink();
  await using table = await countTableCalls(bench.dynamoUrl);
  const TABLE = `bench-idle-${process.pid}`;
  await createTable(localClient(bench.dynamoUrl), TABLE);
  const environment = { AWS_ENDPOINT_URL_DYNAMODB: table.url, CHECKPOINT_TABLE: TABLE };
  const start = () => bench.startProgram({ url: sink.url, queues: '*', environment });
  await using forward = await start();
  await using other = await start();
  const what = `of ${QUEUES.toLocaleString('en')} queues over ${SHARDS} functions, one function's run`;

  const first = await measure(bench.admin, forward, table.take);
  const { queues } = first;
  yield {
    what: `${what}: ms`,
    who: `all with one event each: the first run of all, which saves where each of the ${QUEUES.toLocaleString('en')} begins`,
    figure: `${toDigits(first.ms)}`,
  };
  const warm: Measured[] = [];
  const cold: Measured[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    bench.note(`round ${round + 1} of ${ROUNDS}`);
    cold.push(await measure(bench.admin, round % 2 === 0 ? other : forward, table.take));
    warm.push(await measure(bench.admin, round % 2 === 0 ? other : forward, table.take));
  }
  const ways = [
    ['all idle, the same container', warm],
    ['all idle, another container', cold],
  ] as const;
  for (const [who, runs] of ways) yield { what: `${what}: ms`, who, figure: toDigits(of(runs, ({ ms }) => ms)) };
  const redis = `Redis, for each idle queue and run`;
  const commands = of(warm, ({ commands }) => commands) / queues;
  const cpu = of(warm, ({ cpu }) => cpu) / queues;
  yield { what: redis, who: 'bullbridge', figure: `${toDigits(commands)} commands, ${toDigits(cpu)} µs of CPU` };
  const scan = of(warm, ({ scan }) => scan) / 1000;
  yield {
    what: `Redis, to look for new queues among ${JOBS.toLocaleString('en')} jobs, a run`,
    who: 'bullbridge',
    figure: `${toDigits(scan)} ms of CPU`,
  };
  for (const [who, runs] of ways) {
    const [{ table: calls }] = runs as [Measured];
    const dollars = ((calls.reads * MILLION_READS + calls.writes * MILLION_WRITES) * RUNS * QUEUES) / queues / 1e6;
    const figure = `${calls.calls} calls, ${calls.reads} units read, ${calls.writes} written: $${dollars.toFixed(2)} a month for all`;
    yield { what: `DynamoDB, a run over ${queues} idle queues`, who, figure };
  }
  await removeAll(bench);
  yield await besideABusyOne(bench);
}

interface Measured {
  readonly queues: number;
  readonly ms: number;
  /** Commands to Redis without those of the search for queues. */
  readonly commands: number;
  /** Microseconds of Redis's CPU for them, and for the search. */
  readonly cpu: number;
  readonly scan: number;
  readonly table: TableCalls;
}

const of = (runs: readonly Measured[], figureOf: (run: Measured) => number) => median(runs.map(figureOf));

async function measure(admin: Redis, forward: LocalFunction<unknown>, take: () => TableCalls): Promise<Measured> {
  take();
  await admin.config('RESETSTAT');
  const begun = performance.now();
  const { queues } = (await forward.invoke({ shard: { index: 0, count: SHARDS } })) as { readonly queues: number };
  const ms = performance.now() - begun;
  let [commands, cpu, scan] = [0, 0, 0];
  const stats = (await admin.info('commandstats')).matchAll(/cmdstat_([\w|]+):calls=(\d+),usec=(\d+)/g);
  for (const [, name = '', calls, microseconds] of stats) {
    if (name.startsWith('config') || name === 'info') continue;
    if (name === 'scan') {
      scan += Number(microseconds);
      continue;
    }
    commands += Number(calls);
    cpu += Number(microseconds);
  }
  return { queues, ms, commands, cpu, scan, table: take() };
}

async function fillAll({ admin, prefix }: Bench): Promise<void> {
  const pipeline = admin.pipeline();
  for (const name of names) {
    pipeline.hset(`${prefix}:${name}:meta`, 'opts.maxLenEvents', 10_000);
    pipeline.xadd(`${prefix}:${name}:events`, '*', ...completed(1));
  }
  await pipeline.exec();
  await admin.eval("for n = 1, ARGV[2] do redis.call('HSET', ARGV[1] .. n, 'name', 'x') end", 0, `${prefix}:q0:`, JOBS);
}

async function removeAll({ admin, prefix }: Bench): Promise<void> {
  for await (const keys of admin.scanStream({ match: `${prefix}:*`, count: 1000 }))
    if (keys.length > 0) await admin.unlink(...(keys as string[]));
}

/** How many events had come when the last one of the quiet queues had. */
async function besideABusyOne(bench: Bench): Promise<Row> {
  const { admin, prefix, redisUrl, dynamoUrl } = bench;
  const quiet = names.slice(0, QUIET);
  await using stack = await startStack({
    redisUrl,
    dynamoUrl,
    environment: { BULLBRIDGE_PREFIX: prefix, BULLBRIDGE_QUEUES: ['busy', ...quiet].join(), BULLBRIDGE_TAIL: 'never' },
  });
  await bench.fill('busy', BUSY, completed);
  for (const queue of quiet) await bench.fill(queue, 1, completed);
  let arrived = 0;
  let last = 0;
  stack.bus.subscribe({
    bus: BUS,
    pattern: { source: ['bullmq'] },
    deliver: ({ detail }) => {
      arrived += 1;
      if (detail['queue'] !== 'busy') last = arrived;
    },
  });
  await stack.start('forward', {}).invoke({});
  for (const queue of ['busy', ...quiet]) await admin.unlink(`${prefix}:${queue}:events`);
  const total = BUSY + QUIET;
  if (arrived !== total) throw new Error(`${arrived} of ${total} events arrived`);
  return {
    what: `${QUIET} quiet queues with one event each beside one with ${BUSY.toLocaleString('en')}`,
    who: 'bullbridge',
    figure: `theirs are among the first ${last.toLocaleString('en')}`,
    ratio: last / total,
  };
}
