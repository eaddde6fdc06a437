import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import type { ForwardResult } from '../functions/forward/handler.ts';
import { createTable, localClient, startDynamoDB } from '../local/dynamodb.ts';
import { createFunction } from '../local/lambda/function.ts';
import { start, stop } from '../local/process.ts';
import { startRedis } from '../local/redis.ts';
import { buildBundles } from '../local/stack.ts';

/** What telling of jobs, and leaving out, cost: the same backlog of events, each of a job of its own, by a function that has drained one before. */
const EVENTS = 10_000;
/** The least of them counts: whatever else the machine does only adds to it. */
const ROUNDS = 5;

const WAYS: Readonly<Record<string, NodeJS.ProcessEnv>> = {
  'nothing of the job': {},
  'name+attemptsMade': { BULLBRIDGE_JOB_FIELDS: 'name+attemptsMade' },
  'name+attemptsMade+opts.attempts+data.order.id': {
    BULLBRIDGE_JOB_FIELDS: 'name+attemptsMade+opts.attempts+data.order.id',
  },
  'data (500 bytes)': { BULLBRIDGE_JOB_FIELDS: 'data' },
  trace: { BULLBRIDGE_JOB_FIELDS: 'trace' },
  'nothing of the job, returnvalue.card left out': { BULLBRIDGE_OMIT: 'returnvalue.card' },
};

await using started = new AsyncDisposableStack();
const redis = started.use(await startRedis({ url: process.env['REDIS_URL'] }));
const dynamodb = started.use(await startDynamoDB());
const { forward: bundle } = await buildBundles();
const admin = started.adopt(new Redis(redis.url), (client) => client.disconnect());
const bus = started.adopt(
  start(process.execPath, [fileURLToPath(new URL('../local/bus/main.ts', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  }),
  stop,
);
const url = String((await once(bus.stdout as Readable, 'data'))[0]).trim();
const prefix = `bullbridge-bench-${process.pid}`;
const QUEUES = ['warm', 'q'];
const key = `${prefix}:q:events`;
let tables = 0;

async function fill(queue: string): Promise<void> {
  const traceparent = `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`;
  const opts = JSON.stringify({
    attempts: 3,
    backoff: { type: 'fixed', delay: 1000 },
    tm: JSON.stringify({ traceparent }),
  });
  for (let n = 0; n < EVENTS; n += 1000) {
    const pipeline = admin.pipeline();
    for (let id = n; id < n + 1000; id += 1) {
      const data = JSON.stringify({ order: { id: `o-${id}`, lines: [1, 2, 3] }, text: 'x'.repeat(440) });
      pipeline.hset(`${prefix}:${queue}:${id}`, {
        name: 'send',
        data,
        opts,
        timestamp: 1795398834833,
        delay: 0,
        priority: 0,
        atm: 1,
        ats: 1,
      });
      pipeline.xadd(
        `${prefix}:${queue}:events`,
        '*',
        'event',
        'completed',
        'jobId',
        id,
        'returnvalue',
        `{"ok":true,"card":{"n":${id}}}`,
        'prev',
        'active',
      );
    }
    await pipeline.exec();
  }
}

async function redisCpu(): Promise<number> {
  const info = await admin.info('cpu');
  const seconds = ['used_cpu_user', 'used_cpu_sys'].map((name) =>
    Number(new RegExp(`${name}:([\\d.]+)`).exec(info)?.[1]),
  );
  return seconds.reduce((sum, each) => sum + each * 1000, 0);
}

/** CPU of the function and of Redis in milliseconds for 1,000 events. */
async function drain(way: NodeJS.ProcessEnv): Promise<readonly [ofFunction: number, ofRedis: number]> {
  tables += 1;
  const table = `bench-${process.pid}-${tables}`;
  await createTable(localClient(dynamodb.url), table);
  await using fn = createFunction<ForwardResult>({
    bundle: bundle.file,
    timeout: 600,
    environment: {
      REDIS_URL: redis.url,
      EVENT_BUS_NAME: 'bullbridge',
      CHECKPOINT_TABLE: table,
      DEAD_LETTER_QUEUE_URL: `${url}/000000000000/dead-letters`,
      BULLBRIDGE_PREFIX: prefix,
      BULLBRIDGE_QUEUES: QUEUES.join(),
      BULLBRIDGE_TAIL: 'never',
      AWS_ENDPOINT_URL: url,
      AWS_ENDPOINT_URL_DYNAMODB: dynamodb.url,
      ...way,
    },
  });
  await admin.rename(key, `${key}-aside`);
  await fn.invoke();
  await admin.rename(`${key}-aside`, key);
  const before = [fn.usage.cpu, await redisCpu()] as const;
  const { published } = await fn.invoke();
  if (published !== EVENTS) throw new Error(`${published} of ${EVENTS} events were published`);
  return [fn.usage.cpu - before[0], (await redisCpu()) - before[1]].map((ms) => (ms * 1000) / EVENTS) as [
    number,
    number,
  ];
}

for (const queue of QUEUES) await fill(queue);
const drains = new Map<string, (readonly [number, number])[]>();
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, way] of Object.entries(WAYS)) drains.set(name, [...(drains.get(name) ?? []), await drain(way)]);
}
const ids = Array.from({ length: EVENTS }, (_, id) => id);
for (const queue of QUEUES) await admin.unlink(...['events', ...ids].map((name) => `${prefix}:${queue}:${name}`));
console.log(
  `${redis.what}; Node ${process.version}; CPU ms for 1,000 events, the least of ${ROUNDS} interleaved rounds\n`,
);
for (const [name, all] of drains) {
  const [ofFunction, ofRedis] = [0, 1].map((i) => Math.min(...all.map((each) => each[i] as number)).toFixed(1));
  console.log(`${name.padEnd(50)} function ${ofFunction}, Redis ${ofRedis}`);
}
