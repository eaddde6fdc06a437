import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { Redis } from 'ioredis';
import { inject, onTestFinished } from 'vitest';
import { createConcurrencyLimit } from '../../functions/bus/concurrency.ts';
import { LIMITS } from '../../functions/bus/eventbridge/port.ts';
import { putEventsOf } from '../../functions/bus/eventbridge/sdk-sender.ts';
import { createPublisher } from '../../functions/bus/publish.ts';
import { type Gap, type Ledger, type OpenGap, openGap, openGaps } from '../../functions/checkpoint/ledger.ts';
import type { Clients } from '../../functions/clients.ts';
import type { RangeRequest } from '../../functions/reconcile/request.ts';
import { emptyReport, type Report, reconcileGaps, reconcileRange } from '../../functions/reconcile/run.ts';
import { connectRedis } from '../../functions/redis/connect.ts';
import { localClient } from '../../local/dynamodb.ts';
import { BUS } from '../../local/stack.ts';
import { adminRedis } from '../redis.ts';
import { type TestStack, testStack } from '../stack.ts';

/** The time around which made-up jobs finish. */
export const NOW = Date.parse('2026-11-01T12:00:00Z');
/** The lease of reconcile. */
export const LEASE = 'reconcile';

type Detail = Readonly<Record<string, unknown>>;

/** A stack whose queues have gaps and finished jobs. */
export interface GapStack extends TestStack {
  readonly admin: Redis;
  /** Writes a gap down; without changes, one of an hour around {@link NOW} in the queue `q`. */
  open(changes?: Partial<Gap>): Promise<void>;
  /** Writes down each gap that the forwarder has told of. */
  openFound(): Promise<void>;
  openGaps(): Promise<OpenGap[]>;
  /** Lets jobs finish as BullMQ does, without the events; each one a second after {@link NOW} unless said otherwise. */
  finish(outcome: 'completed' | 'failed', jobs: readonly FinishedJob[], queue?: string): Promise<void>;
  /** The recovered events that arrived, in the order of the bus. */
  recovered(): Detail[];
  /**
   * Runs once in this process, by default with a deadline that comes during the first page.
   *
   * `beforePublish` and `beforeWrite` run in front of each call to the bus and each to the table, and can make it fail;
   * `afterRefusal` runs after each write that the table refused.
   */
  runOnce(options?: RunOptions): Promise<Report>;
  /** bullbridge's own news of a kind that arrived. */
  news(type: 'Events Lost' | 'Events Recovered'): Detail[];
}

interface RunOptions {
  /** Instead of the open gaps. */
  readonly request?: RangeRequest | undefined;
  readonly beforePublish?: () => Promise<void>;
  readonly beforeWrite?: (command: unknown) => void;
  readonly afterRefusal?: () => void;
  /** For the renewal of the lease. @default waits */
  readonly wait?: Clients['wait'];
  /** Whether its deadline comes during the first page. @default true */
  readonly drains?: boolean;
}

interface FinishedJob {
  readonly id: string | Buffer;
  readonly at?: number;
  /** @default `null` as JSON or "declined" */
  readonly result?: string;
}

export const HOUR = 3_600_000;

export async function gapStack(
  environment: Readonly<Record<string, string>> = {},
  secrets: Readonly<Record<string, string>> = {},
): Promise<GapStack> {
  const stack = await testStack(environment, secrets);
  const client = localClient(stack.tableUrl);
  onTestFinished(() => client.destroy());
  const ledger: Ledger = { client, table: stack.table, sourceName: 'default', prefix: stack.prefix };
  const admin = adminRedis();
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const bus = new EventBridgeClient({ endpoint: stack.bus.url, region: 'eu-west-1', credentials, maxAttempts: 1 });
  onTestFinished(() => bus.destroy());
  const news = (type: string) =>
    stack.bus.accepted.filter(({ DetailType }) => DetailType === type).map(({ detail }) => detail as Detail);
  return {
    ...stack,
    admin,
    open: (changes) =>
      openGap(ledger, {
        queue: 'q',
        reason: 'trimmed',
        lost: 100,
        exact: true,
        afterId: `${NOW - HOUR}-0`,
        beforeId: `${NOW + HOUR}-0`,
        detectedAt: NOW + 2 * HOUR,
        ...changes,
      }),
    openFound: async () => {
      for (const { detectedAt, ...gap } of news('Events Lost') as unknown as (Gap & { detectedAt: string })[])
        await openGap(ledger, { ...gap, detectedAt: Date.parse(detectedAt) });
    },
    openGaps: () => Array.fromAsync(openGaps(ledger)),
    finish: async (outcome, jobs, queue = 'q') => {
      const pipeline = admin.pipeline();
      const [field, standard] = outcome === 'completed' ? ['returnvalue', 'null'] : ['failedReason', 'declined'];
      for (const { id, at = NOW + 1000, result = standard } of jobs) {
        pipeline.zadd(`${stack.prefix}:${queue}:${outcome}`, at, id);
        const key = Buffer.concat([Buffer.from(`${stack.prefix}:${queue}:`), Buffer.from(id)]);
        pipeline.hset(key, 'name', 'send', 'data', '{}', field, result, 'finishedOn', at);
      }
      await pipeline.exec();
    },
    recovered: () => stack.bus.accepted.map(({ detail }) => detail as Detail).filter((detail) => detail['recovered']),
    news,
    runOnce: async ({
      request,
      beforePublish = async () => {},
      beforeWrite = () => {},
      afterRefusal = () => {},
      wait = (milliseconds, signal) => setTimeout(milliseconds, undefined, { signal }),
      drains = true,
    }: RunOptions = {}) => {
      const draining = new AbortController();
      const report = emptyReport();
      const publisher = createPublisher({
        bus: { name: BUS, limits: LIMITS, put: putEventsOf(bus, BUS), check: async () => undefined },
        park: () => Promise.reject(new Error('nothing is parked here')),
        concurrency: createConcurrencyLimit(4),
        wait: async () => {},
        warn: () => {},
        random: () => 0.5,
      });
      const clients: Clients = {
        connectRedis: () => connectRedis({ url: inject('redisUrl') }),
        publish: async (entries, signal) => {
          if (drains) draining.abort();
          await beforePublish();
          return publisher(entries, signal);
        },
        dynamodb: {
          send: async (command: never) => {
            beforeWrite(command);
            return client.send(command).catch((error: unknown) => {
              if (error instanceof ConditionalCheckFailedException) afterRefusal();
              throw error;
            });
          },
        } as unknown as Clients['dynamodb'],
        table: stack.table,
        now: () => new Date(),
        wait,
      };
      const settings = { sourceName: 'default', prefix: stack.prefix, events: '*', clockSkew: 2000 } as const;
      const signals = { drain: draining.signal, stop: new AbortController().signal };
      if (request) await reconcileRange(settings, request, clients, signals, report);
      else await reconcileGaps(settings, clients, randomUUID(), signals, report);
      return report;
    },
  };
}
