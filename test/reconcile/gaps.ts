import type { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import { type Gap, type Ledger, type OpenGap, openGap, openGaps } from '../../functions/checkpoint/ledger.ts';
import { localClient } from '../../local/dynamodb.ts';
import { TABLE } from '../../local/stack.ts';
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
  /** bullbridge's own news of a kind that arrived. */
  news(type: 'Events Lost' | 'Events Recovered'): Detail[];
}

export interface FinishedJob {
  readonly id: string | Buffer;
  readonly at?: number;
  /** @default `null` as JSON or "declined" */
  readonly result?: string;
}

export const HOUR = 3_600_000;

export async function gapStack(environment: Readonly<Record<string, string>> = {}): Promise<GapStack> {
  const stack = await testStack(environment);
  const client = localClient(stack.tableUrl);
  onTestFinished(() => client.destroy());
  const ledger: Ledger = { client, table: TABLE, sourceName: 'default', prefix: stack.prefix };
  const admin = adminRedis();
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
  };
}
