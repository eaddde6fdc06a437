import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import type { ForwardResult } from '../functions/forward/handler.ts';
import { createTable, localClient, startDynamoDB } from '../local/dynamodb.ts';
import { createFunction, type LocalFunction } from '../local/lambda/function.ts';
import { start, stop } from '../local/process.ts';
import { startRedis } from '../local/redis.ts';
import { buildBundles } from '../local/stack.ts';
import { follow } from './tail.ts';

const BACKLOG = 100_000;
const ROUNDS = 3;
const QUEUES = 2000;
const MB = 1e6;
const BARE_LOOP = fileURLToPath(new URL('bare-loop.ts', import.meta.url));

await using started = new AsyncDisposableStack();
const redis = started.use(await startRedis({ url: process.env['REDIS_URL'] }));
const dynamodb = started.use(await startDynamoDB());
const bundles = await buildBundles();
const { forward: bundle } = bundles;
const admin = started.adopt(new Redis(redis.url), (client) => client.disconnect());
const prefix = `bullbridge-bench-${process.pid}`;
let tables = 0;

interface Sink extends AsyncDisposable {
  readonly url: string;
  counts(): Promise<{ readonly requests: number; readonly entries: number }>;
}

/** The bus that every program publishes to, in a process of its own: it accepts all and looks into nothing. */
async function startSink(delay = 0): Promise<Sink> {
  const program = fileURLToPath(new URL('../local/bus/main.ts', import.meta.url));
  const child = start(process.execPath, [program, '--delay', `${delay}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  const url = String((await once(child.stdout as Readable, 'data'))[0]).trim();
  const counts = async () => (await (await fetch(`${url}/stats`)).json()) as { requests: number; entries: number };
  return { url, counts, [Symbol.asyncDispose]: () => stop(child) };
}

/** A new process of a function with an empty table. */
async function startFunction(
  sink: Sink,
  queues: string,
  file = bundle.file,
  environment: NodeJS.ProcessEnv = {},
): Promise<LocalFunction<Pick<ForwardResult, 'published'>>> {
  tables += 1;
  const table = `bench-${process.pid}-${tables}`;
  await createTable(localClient(dynamodb.url), table);
  return createFunction({
    bundle: file,
    timeout: 600,
    environment: {
      REDIS_URL: redis.url,
      EVENT_BUS_NAME: 'bullbridge',
      CHECKPOINT_TABLE: table,
      DEAD_LETTER_QUEUE_URL: `${sink.url}/000000000000/dead-letters`,
      BULLBRIDGE_PREFIX: prefix,
      BULLBRIDGE_QUEUES: queues,
      BULLBRIDGE_EVENTS: '*',
      BULLBRIDGE_TAIL: 'never',
      AWS_ENDPOINT_URL: sink.url,
      AWS_ENDPOINT_URL_DYNAMODB: dynamodb.url,
      ...environment,
    },
  });
}

async function fill(queue: string, count: number, fieldsOf: (n: number) => (string | number)[]): Promise<void> {
  for (let n = 0; n < count; n += 1000) {
    const pipeline = admin.pipeline();
    for (let i = n; i < Math.min(count, n + 1000); i += 1)
      pipeline.xadd(`${prefix}:${queue}:events`, '*', ...fieldsOf(i));
    await pipeline.exec();
  }
}

const completed = (n: number) => [
  'event',
  'completed',
  'jobId',
  n,
  'returnvalue',
  `{"ok":true,"n":${n}}`,
  'prev',
  'active',
];
const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] as number;
const print = (what: string, figure: string) => console.log(`${what.padEnd(58)} ${figure}`);

/** The programs that publish a backlog; the first is what the others are measured against. */
const PUBLISHERS: Readonly<Record<string, (delay: number) => Promise<Drain>>> = {
  'bare SDK loop': (delay) => drain('backlog', { file: BARE_LOOP, delay }),
  bullbridge: (delay) => drain('backlog', { delay }),
  'bullbridge with the SDK': (delay) => drain('backlog', { delay, environment: { BULLBRIDGE_PUBLISHER: 'sdk' } }),
};

async function drainBacklog(): Promise<void> {
  await fill('backlog', BACKLOG, completed);
  for (const delay of [0, 15]) {
    const drains = new Map<string, Drain[]>(Object.keys(PUBLISHERS).map((name) => [name, []]));
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [name, publish] of Object.entries(PUBLISHERS)) drains.get(name)?.push(await publish(delay));
    }
    print(`backlog of ${BACKLOG} entries, a bus that takes ${delay} ms`, '');
    const [bare] = [...drains.values()].map(summary);
    for (const [name, each] of drains) {
      const { speed, cpu, memory } = summary(each);
      const ratios = `${(speed / (bare?.speed ?? 0)).toFixed(2)} × the events/s, ${(cpu / (bare?.cpu ?? 0)).toFixed(2)} × the CPU`;
      print(`  ${name}`, `${Math.round(speed)} events/s, ${cpu.toFixed(1)} CPU s, ${memory} MB (${ratios})`);
    }
  }
}

function summary(drains: readonly Drain[]) {
  const memory = Math.round(Math.max(...drains.map(({ maxMemory }) => maxMemory)) / MB);
  const speed = BACKLOG / median(drains.map(({ seconds }) => seconds));
  return { speed, cpu: median(drains.map(({ cpu }) => cpu)), memory };
}

interface Drain {
  readonly seconds: number;
  readonly cpu: number;
  readonly maxMemory: number;
}

/** Publishes a backlog by a function that is warm, as one that runs each minute is. */
async function drain(
  queue: string,
  {
    file = bundle.file,
    delay = 0,
    environment = {},
  }: { file?: string; delay?: number; environment?: NodeJS.ProcessEnv } = {},
): Promise<Drain> {
  await using sink = await startSink(delay);
  await using fn = await startFunction(sink, queue, file, environment);
  const key = `${prefix}:${queue}:events`;
  await admin.rename(key, `${key}-aside`);
  await fn.invoke();
  await admin.rename(`${key}-aside`, key);
  const { cpu } = fn.usage;
  const started = performance.now();
  const { published } = await fn.invoke();
  const seconds = (performance.now() - started) / 1000;
  const expected = await admin.xlen(key);
  if (published !== expected) throw new Error(`${published} of ${expected} entries were published`);
  return { seconds, cpu: (fn.usage.cpu - cpu) / 1000, maxMemory: fn.usage.maxMemory };
}

/** Values of 3 MB as JSON: a text, and many small objects. */
const LARGE_VALUES: Readonly<Record<string, string>> = {
  text: JSON.stringify('x'.repeat(3 * MB)),
  objects: JSON.stringify(Array.from({ length: 60_000 }, (_, n) => ({ id: n, name: `item ${n}`, tags: ['a', 'b'] }))),
};

async function largeEntries(): Promise<void> {
  for (const [kind, value] of Object.entries(LARGE_VALUES)) {
    await fill('large', 20_000, completed);
    await fill('large', 40, (n) => ['event', 'completed', 'jobId', n, 'returnvalue', value]);
    await fill('large', 20_000, completed);
    for (const [place, environment] of [
      ['cut', {}],
      ['in the bucket', { PAYLOAD_BUCKET: 'payloads' }],
    ] as const) {
      const { maxMemory } = await drain('large', { environment });
      const what = `40,000 entries with 40 of 3 MB in a row (${kind}, ${place})`;
      print(`${what}: peak memory`, `${Math.round(maxMemory / MB)} MB`);
    }
    await admin.unlink(`${prefix}:large:events`);
  }
}

async function manyQueues(): Promise<void> {
  const queues = Array.from({ length: QUEUES }, (_, n) => `q${n}`);
  for (const queue of queues) await fill(queue, 3, completed);
  await using sink = await startSink();
  await using forward = await startFunction(sink, queues.join());
  const start = performance.now();
  await forward.invoke();
  const busy = performance.now() - start;
  const { requests, entries } = await sink.counts();
  if (entries !== 3 * QUEUES) throw new Error(`${entries} of ${3 * QUEUES} entries were published`);
  const idle: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const before = performance.now();
    await forward.invoke();
    idle.push(performance.now() - before);
  }
  print(`${QUEUES} queues with 3 events each: one run`, `${Math.round(busy)} ms`);
  print('  PutEvents requests to the fewest there can be', (requests / Math.ceil((3 * QUEUES) / 10)).toFixed(2));
  print(`${QUEUES} idle queues: one run`, `${Math.round(median(idle))} ms`);
  for (const queue of queues) await admin.unlink(`${prefix}:${queue}:events`);
}

/** From the start of the process to the first XRANGE that Redis sees, over that of a process that does nothing. */
async function coldStart(): Promise<void> {
  await fill('cold', 1, completed);
  await using sink = await startSink();
  const connection = admin.duplicate();
  const monitor = await connection.monitor();
  const toXrange: number[] = [];
  const empty: number[] = [];
  const cpu: number[] = [];
  const plainCpu: number[] = [];
  for (let round = 0; round < 11; round += 1) {
    await using forward = await startFunction(sink, 'cold');
    const start = performance.now();
    const seen = new Promise<number>((resolve) => {
      monitor.on(
        'monitor',
        (_, [command]: string[]) => command?.toLowerCase() === 'xrange' && resolve(performance.now() - start),
      );
    });
    const invocation = forward.invoke();
    toXrange.push(await seen);
    await invocation;
    monitor.removeAllListeners('monitor');
    cpu.push(forward.usage.cpu);
    await using plain = await startFunction(sink, 'cold', bundle.file, { BULLBRIDGE_PUBLISHER: 'sdk' });
    await plain.invoke();
    plainCpu.push(plain.usage.cpu);
    await using nothing = createFunction({
      bundle: fileURLToPath(new URL('empty.mjs', import.meta.url)),
      environment: {},
    });
    const before = performance.now();
    await nothing.invoke();
    empty.push(performance.now() - before);
  }
  for (const client of [monitor, connection]) client.disconnect();
  print(
    'cold start: process start to first XRANGE',
    `${Math.round(median(toXrange))} ms (an empty function: ${Math.round(median(empty))} ms)`,
  );
  print(
    '  CPU of the first invocation, with one event',
    `${Math.round(median(cpu))} ms (with the SDK's client: ${Math.round(median(plainCpu))} ms)`,
  );
  print('  bundle', `${Math.round(bundle.bytes / 1000)} kB`);
}

const load = { admin, redisUrl: redis.url, bundles, prefix };

/** From an entry to its arrival, at 50 entries a second. */
async function tailLatency(): Promise<void> {
  const { latency } = await follow({ ...load, tail: 'always', entriesPerSecond: 50, interval: 4 });
  const figures = [0.5, 0.99].map((quantile) => `${latency(quantile)} ms`);
  print('listening: from an entry to its subscriber, p50 and p99', figures.join(', '));
}

/** What is lost of 400 jobs a second, of four entries each, with what BullMQ keeps by default. */
async function sustainedLoad(): Promise<void> {
  for (const tail of ['never', 'auto'] as const) {
    const { added, lost } = await follow({ ...load, tail, entriesPerSecond: 1600, interval: 12 });
    print(`400 jobs/s, a run each 12 s, tail ${tail}: lost`, `${lost} of ${added} entries`);
  }
}

const PARTS: Readonly<Record<string, () => Promise<void>>> = {
  cold: coldStart,
  queues: manyQueues,
  large: largeEntries,
  backlog: drainBacklog,
  latency: tailLatency,
  sustained: sustainedLoad,
};
const unknown = process.argv.slice(2).find((name) => !Object.hasOwn(PARTS, name));
if (unknown !== undefined)
  throw new Error(`there is no part "${unknown}"; the parts are ${Object.keys(PARTS).join(', ')}`);
console.log(`${redis.what}; ${dynamodb.what}; Node ${process.version}; medians of ${ROUNDS} interleaved rounds\n`);
for (const [name, part] of Object.entries(PARTS)) {
  if (process.argv.length === 2 || process.argv.includes(name)) await part();
}
