import { Redis } from 'ioredis';
import { bundleFile } from '../infra/build/bundle.ts';
import { buildFunction } from '../infra/build/functions.ts';
import { createTable, localClient, startDynamoDB } from '../local/dynamodb.ts';
import { createFunction, type FunctionOptions, type LocalFunction } from '../local/lambda/function.ts';
import { startRedis } from '../local/redis.ts';
import type { Row } from './row.ts';

/** A part of the table; its rows are printed as they come. */
export type Part = (bench: Bench) => AsyncIterable<Row>;

interface ProgramOptions {
  /** The bus that it publishes to, and the other services of AWS but DynamoDB. */
  readonly url: string;
  readonly queues: string;
  /** What to run. @default the built forwarder */
  readonly file?: string | undefined;
  readonly environment?: NodeJS.ProcessEnv | undefined;
}

/** What a run returns; programs that are no function of bullbridge filter nothing. */
interface RunCounts {
  readonly published: number;
  readonly filtered?: number;
}

/** A program, as Lambda would run it. */
type Program = Pick<LocalFunction<RunCounts>, 'invoke' | 'usage'> & AsyncDisposable;

/** Makes one; by default without a limit but that of the heap. */
export type CreateProgram = (options: FunctionOptions) => Program | Promise<Program>;

/** What the parts work with. */
export interface Bench extends AsyncDisposable {
  readonly admin: Redis;
  readonly redisUrl: string;
  readonly dynamoUrl: string;
  /** The prefix of all its keys. */
  readonly prefix: string;
  /** Where it runs, in words. */
  readonly where: string;
  /** Says what is done at the moment. */
  note(text: string): void;
  /** What a program needs to run, with an empty table. */
  prepare(options: ProgramOptions): Promise<FunctionOptions>;
  /** A new process of a program, with an empty table. */
  startProgram(options: ProgramOptions): Promise<LocalFunction<RunCounts>>;
  /** Adds entries to a queue's stream. */
  fill(queue: string, count: number, fieldsOf: (n: number) => Fields): Promise<void>;
}

/** Entries that are added at once. */
const BATCH = 100;
/** From so many on, it takes a while to add them. */
const MANY = 10_000;

type Fields = readonly (string | number | Buffer)[];

/** @param note where notes go */
export async function startBench(note: Bench['note']): Promise<Bench> {
  const started = new AsyncDisposableStack();
  const redis = started.use(await startRedis({ url: process.env['REDIS_URL'] }));
  const dynamodb = started.use(await startDynamoDB());
  await buildFunction('forward');
  const admin = started.adopt(new Redis(redis.url), (client) => client.disconnect());
  const prefix = `bullbridge-bench-${process.pid}`;
  let tables = 0;
  async function prepare({ url, queues, file, environment }: ProgramOptions): Promise<FunctionOptions> {
    tables += 1;
    const table = `bench-${process.pid}-${tables}`;
    await createTable(localClient(dynamodb.url), table);
    return {
      bundle: file ?? bundleFile('forward'),
      timeout: 600,
      environment: {
        REDIS_URL: redis.url,
        EVENT_BUS_NAME: 'bullbridge',
        CHECKPOINT_TABLE: table,
        DEAD_LETTER_QUEUE_URL: `${url}/000000000000/dead-letters`,
        BULLBRIDGE_PREFIX: prefix,
        BULLBRIDGE_QUEUES: queues,
        BULLBRIDGE_EVENTS: '*',
        BULLBRIDGE_TAIL: 'never',
        // As on Lambda, so that the function warms up.
        AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
        AWS_ENDPOINT_URL: url,
        AWS_ENDPOINT_URL_DYNAMODB: dynamodb.url,
        ...environment,
      },
    };
  }
  return {
    admin,
    redisUrl: redis.url,
    dynamoUrl: dynamodb.url,
    prefix,
    where: `${redis.what}; ${dynamodb.what}; Node ${process.version}`,
    note,
    prepare,
    startProgram: async (options) => createFunction(await prepare(options)),
    async fill(queue, count, fieldsOf) {
      if (count >= MANY) note(`writes ${count.toLocaleString('en')} entries`);
      for (let n = 0; n < count; n += BATCH) {
        const pipeline = admin.pipeline();
        for (let i = n; i < Math.min(count, n + BATCH); i += 1)
          pipeline.xadd(`${prefix}:${queue}:events`, '*', ...fieldsOf(i));
        await pipeline.exec();
      }
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

/** The fields of BullMQ's most frequent entry. */
export const completed = (n: number): Fields => [
  'event',
  'completed',
  'jobId',
  n,
  'returnvalue',
  `{"ok":true,"n":${n}}`,
  'prev',
  'active',
];

/** The fields of the four entries of each job, of which the default filter lets the last one pass. */
export function lifeOfJobs(n: number): Fields {
  const job = ['jobId', Math.floor(n / 4)];
  switch (n % 4) {
    case 0:
      return ['event', 'added', ...job, 'name', 'send'];
    case 1:
      return ['event', 'waiting', ...job];
    case 2:
      return ['event', 'active', ...job, 'prev', 'waiting'];
    default:
      return completed(Math.floor(n / 4));
  }
}
