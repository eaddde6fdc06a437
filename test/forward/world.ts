import { randomUUID } from 'node:crypto';
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  type UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Redis } from 'ioredis';
import { inject, onTestFinished } from 'vitest';
import { createConcurrencyLimit } from '../../functions/bus/concurrency.ts';
import { parkIn } from '../../functions/bus/dead-letters.ts';
import { LIMITS } from '../../functions/bus/eventbridge/port.ts';
import { putEventsOf } from '../../functions/bus/eventbridge/sdk-sender.ts';
import { createPublisher } from '../../functions/bus/publish.ts';
import { LEASE_MS } from '../../functions/checkpoint/lease.ts';
import { type OpenGap, openGaps } from '../../functions/checkpoint/ledger.ts';
import { createCheckpointMemory } from '../../functions/checkpoint/memory.ts';
import { type Checkpoint, loadCheckpoints } from '../../functions/checkpoint/positions.ts';
import { emptyReport, type Report } from '../../functions/forward/report.ts';
import { type ForwardClients, forward } from '../../functions/forward/run.ts';
import type { ForwardSettings } from '../../functions/forward/settings.ts';
import type { Shard } from '../../functions/forward/shard.ts';
import { SAVE_AFTER } from '../../functions/forward/stages.ts';
import { connectRedis } from '../../functions/redis/connect.ts';
import { createDiscovery } from '../../functions/stream/discovery.ts';
import { type LocalBus, startBus } from '../../local/bus/server.ts';
import { dynamoClient, ownTable } from '../dynamodb.ts';
import { adminRedis, ownPrefix } from '../redis.ts';

const BUS = 'bullbridge';
export const DEAD_LETTERS = 'dead-letters';

/** What a run calls. */
export type Service = 'Redis' | 'table' | 'bus' | 'queue';

/** What may happen around each call that a run makes; `row` is the key of a row that it writes. */
export type Around = <T>(call: () => Promise<T>, row?: string, service?: Service) => Promise<T>;

const undisturbed: Around = (call) => call();

/** What a container keeps between its runs. */
type Kept = Pick<ForwardClients, 'checkpoints' | 'discoverQueues'>;

/** Real servers with keys, a table and a bus of their own, and a clock that only moves when it is told to. */
export interface World {
  readonly admin: Redis;
  readonly bus: LocalBus;
  readonly settings: ForwardSettings;
  /** Runs the forwarder once; `around` can fail, hold back or count its calls. */
  run(options?: {
    around?: Around;
    settings?: Partial<ForwardSettings>;
    /** Another Redis than the world's, as after a failover. */
    redisUrl?: string;
    shard?: Shard;
    /** What the run's container keeps from its runs before. @default it is a new one */
    container?: Kept;
    drain?: AbortSignal;
    stop?: AbortSignal;
    /** How the run waits. @default backoff takes no time; the lease is renewed when another run asks for it */
    wait?: Wait;
    /** Called when the run waits for entries with a blocking read. */
    onListening?: () => void;
  }): Promise<Report>;
  /** A container that stays warm, for those runs that are given it. */
  readonly warm: Kept;
  /** Names of the calls that all runs made to DynamoDB, in order. */
  readonly tableCalls: readonly string[];
  /** What a run is given, for a function that works beside it. */
  clients(around?: Around): ForwardClients;
  now(): Date;
  advance(milliseconds: number): void;
  /** Whether Redis counts the entries of a stream, as Redis 6 does not. @default it does */
  count(isCounting: boolean): void;
  checkpoint(queue: string): Promise<Checkpoint | undefined>;
  /** When the row of a queue expires, in seconds since the epoch. */
  expiry(queue: string): Promise<number | undefined>;
  /** What the ledger has. */
  gaps(): Promise<OpenGap[]>;
  key(queue: string): string;
}

function rowOf({ input: { Key } }: UpdateItemCommand): string | undefined {
  return Key && `${Key['pk']?.S} ${Key['sk']?.S}`;
}

/** Whether it gives an attribute of its row a value. */
function sets({ input: { UpdateExpression = '' } }: UpdateItemCommand, attribute: string): boolean {
  return UpdateExpression.includes(`#${attribute} =`);
}

/** Replies as Redis 6 gives them: the state of a stream has no counts. */
function withoutCounts<Reply>(reply: Reply): Reply {
  if (!Array.isArray(reply)) return reply;
  const isCount = (name: unknown) =>
    /^(entries-added|max-deleted-entry-id|recorded-first-entry-id)$/.test(String(name));
  const counts = new Set(reply.flatMap((name, i) => (Buffer.isBuffer(name) && isCount(name) ? [i, i + 1] : [])));
  return reply.filter((_, i) => !counts.has(i)).map(withoutCounts) as Reply;
}

/** The code that a world runs. */
export interface Parts {
  readonly forward: typeof forward;
  readonly createPublisher: typeof createPublisher;
}

/** The leases that runs ask for. */
interface Requests {
  /** Takes note that a run asked for a lease which was taken in an epoch. */
  note(row: string, epoch: number): void;
  /** Waits until one does. */
  awaitOne(row: string, epoch: number): Promise<void>;
}

function createRequests(): Requests {
  const epochs = new Map<string, number>();
  let next = Promise.withResolvers<void>();
  return {
    note(row, epoch) {
      epochs.set(row, epoch);
      next.resolve();
      next = Promise.withResolvers();
    },
    async awaitOne(row, epoch) {
      while ((epochs.get(row) ?? 0) < epoch) await next.promise;
    },
  };
}

/** How a run waits; `asked` resolves when another run asks for its lease. */
export type Wait = (milliseconds: number, signal?: AbortSignal, asked?: Promise<void>) => Promise<unknown>;

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}

/** Backoff takes no time; the renewal of the lease waits for the end of the run, or for a request. */
const wait: Wait = async (milliseconds, signal, asked) => {
  if (signal && milliseconds >= LEASE_MS / 3) await Promise.race([untilAborted(signal), ...(asked ? [asked] : [])]);
};

/** The same, and positions that may wait for their saving wait until they must be saved. */
export const saveLate: Wait = (milliseconds, signal, asked) =>
  signal && milliseconds === SAVE_AFTER ? untilAborted(signal) : wait(milliseconds, signal, asked);

/** @param parts another version of the code than the one in `functions/` */
export async function createWorld(
  settings: Partial<ForwardSettings> = {},
  parts: Parts = { forward, createPublisher },
): Promise<World> {
  const prefix = ownPrefix();
  const defaults: ForwardSettings = {
    sourceName: 'default',
    prefix,
    queues: ['q'],
    events: '*',
    startFrom: { default: 'beginning', queues: new Map() },
    sweepSize: 1000,
    tail: 'never',
    interval: 60_000,
    memory: 256 * 1024 * 1024,
    ...settings,
  };
  const bus = await startBus({ buses: [BUS], queues: [DEAD_LETTERS] });
  onTestFinished(() => bus[Symbol.asyncDispose]());
  const dynamodb = dynamoClient();
  const table = await ownTable(dynamodb);
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const requestHandler = { connectionTimeout: 10_000, requestTimeout: 10_000, throwOnRequestTimeout: true };
  const eventBridge = new EventBridgeClient({
    endpoint: bus.url,
    region: 'eu-west-1',
    credentials,
    maxAttempts: 1,
    requestHandler,
  });
  const sqs = new SQSClient({ endpoint: bus.url, region: 'eu-west-1', credentials, requestHandler });
  onTestFinished(() => {
    eventBridge.destroy();
    sqs.destroy();
  });
  const tableCalls: string[] = [];
  const requests = createRequests();
  let time = Date.now();
  let isCounting = true;
  const now = () => new Date(time);

  const newContainer = (): Kept => ({
    checkpoints: createCheckpointMemory(now),
    discoverQueues: createDiscovery(prefix),
  });

  function clients(
    around: Around,
    redisUrl: string,
    kept = newContainer(),
    waits = wait,
    onListening = () => {},
  ): ForwardClients {
    const putEvents = putEventsOf(eventBridge, BUS);
    const park = parkIn(sqs, { queueUrl: bus.queueUrl(DEAD_LETTERS), busName: BUS, now });
    let asked: Promise<void> | undefined;
    return {
      connectRedis: async () => {
        const connection = await around(() => connectRedis({ url: redisUrl }), undefined, 'Redis');
        return {
          ...connection,
          send: (commands, limits) => {
            if (commands.some((command) => command.includes('BLOCK'))) onListening();
            const replies = around(() => connection.send(commands, limits), undefined, 'Redis');
            return isCounting ? replies : replies.then(withoutCounts);
          },
          scan: (pattern, options) => around(() => connection.scan(pattern, options), undefined, 'Redis'),
        };
      },
      ...kept,
      bus: { confirm: async () => {} },
      publish: parts.createPublisher({
        bus: {
          name: BUS,
          limits: LIMITS,
          put: (entries) => around(() => putEvents(entries), undefined, 'bus'),
          check: async () => undefined,
        },
        park: (sent, refusal, signal) => around(() => park(sent, refusal, signal), undefined, 'queue'),
        concurrency: createConcurrencyLimit(4),
        wait: waits,
        warn: () => {},
        random: () => 0.5,
      }),
      dynamodb: {
        send: async (command: UpdateItemCommand) => {
          tableCalls.push(command.constructor.name);
          const row = rowOf(command);
          const epochOf = (item?: Record<string, AttributeValue>) => Number(item?.['epoch']?.N);
          const noteTaken = (epoch: number) => {
            if (row && sets(command, 'owner')) asked = requests.awaitOne(row, epoch);
          };
          try {
            const answer = await around(() => dynamodb.send(command), row, 'table');
            const epoch = epochOf(answer.Attributes);
            if (row && sets(command, 'waiter')) requests.note(row, epoch);
            noteTaken(epoch);
            return answer;
          } catch (error) {
            // The lease may have been taken by a write whose answer was lost.
            if (error instanceof ConditionalCheckFailedException) noteTaken(epochOf(error.Item));
            throw error;
          }
        },
      } as unknown as DynamoDBClient,
      table,
      now,
      wait: async (milliseconds, signal) => {
        const isRenewal = milliseconds === LEASE_MS / 3;
        await waits(milliseconds, signal, isRenewal ? asked : undefined);
        // Once it was asked, it hands over, and need not be woken up again.
        if (isRenewal) asked = undefined;
      },
    };
  }

  const never = new AbortController().signal;
  return {
    warm: newContainer(),
    tableCalls,
    admin: adminRedis(),
    bus,
    settings: defaults,
    clients: (around = undisturbed) => clients(around, inject('redisUrl')),
    async run({
      around = undisturbed,
      settings: changed,
      redisUrl = inject('redisUrl'),
      shard = { index: 0, count: 1 },
      container,
      drain = never,
      stop = never,
      wait: waits,
      onListening,
    } = {}) {
      const report = emptyReport();
      await parts.forward(
        { ...defaults, ...changed },
        shard,
        clients(around, redisUrl, container, waits, onListening),
        randomUUID(),
        { drain, stop },
        report,
      );
      return report;
    },
    now,
    advance(milliseconds) {
      time += milliseconds;
    },
    count(counts) {
      isCounting = counts;
    },
    async checkpoint(queue) {
      const key = `${defaults.sourceName}/${prefix}:${queue}`;
      return (await loadCheckpoints({ client: dynamodb, table, wait: async () => {} }, [key])).get(key);
    },
    async expiry(queue) {
      const Key = { pk: { S: `${defaults.sourceName}/${prefix}:${queue}` }, sk: { S: 'position' } };
      const { Item } = await dynamodb.send(new GetItemCommand({ TableName: table, Key }));
      return Item?.['ttl'] && Number(Item['ttl'].N);
    },
    gaps: () => Array.fromAsync(openGaps({ client: dynamodb, table, sourceName: defaults.sourceName, prefix })),
    key: (queue) => `${prefix}:${queue}:events`,
  };
}
