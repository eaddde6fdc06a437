import { setInterval } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { EventEnvelope } from '../functions/event/detail.ts';
import { createArrivals } from '../local/arrivals.ts';
import { BUS, type Bundles, startStack } from '../local/stack.ts';

const INTERVALS = 5;
/** What BullMQ keeps of a stream by default. */
const KEPT = 10_000;

/** What became of a steady load over five intervals. */
export interface Followed {
  readonly added: number;
  readonly lost: number;
  /** Milliseconds from an entry to its arrival at a subscriber, at a quantile; without those that came before the first run. */
  readonly latency: (quantile: number) => number | undefined;
}

export interface FollowOptions {
  readonly admin: Redis;
  readonly redisUrl: string;
  readonly bundles: Bundles;
  readonly prefix: string;
  readonly tail: 'always' | 'auto' | 'never';
  readonly entriesPerSecond: number;
  /** Seconds from one run to the next; a minute, where it is deployed. */
  readonly interval: number;
}

/** Runs the built function at each tick beside a steady load of entries, which comes for an interval before the first run. */
export async function follow(options: FollowOptions): Promise<Followed> {
  const { admin, redisUrl, bundles, prefix, tail, entriesPerSecond, interval } = options;
  const queue = `${tail}-${entriesPerSecond}`;
  const key = `${prefix}:${queue}:events`;
  await using stack = await startStack({
    redisUrl,
    bundles,
    environment: {
      BULLBRIDGE_PREFIX: prefix,
      BULLBRIDGE_QUEUES: queue,
      BULLBRIDGE_EVENTS: '*',
      BULLBRIDGE_TAIL: tail,
      BULLBRIDGE_INTERVAL_SECONDS: `${interval}`,
    },
  });
  const arrivals = createArrivals();
  let firstRun = Number.POSITIVE_INFINITY;
  stack.bus.subscribe({
    bus: BUS,
    pattern: { source: ['bullmq'] },
    deliver: (event) => {
      const detail = event.detail as unknown as EventEnvelope;
      if (detail.timestamp >= firstRun) arrivals.add(detail, Date.now());
    },
  });
  // Two containers, as Lambda has them: the next run is started while the one before still listens.
  const containers = [stack.forward, stack.start('forward')];
  const runs: Promise<{ readonly lost: number }>[] = [];
  const started = performance.now();
  let added = 0;
  for await (const _ of setInterval(20)) {
    const seconds = (performance.now() - started) / 1000;
    const pipeline = admin.pipeline();
    for (; added < seconds * entriesPerSecond; added += 1)
      pipeline.xadd(key, 'MAXLEN', '~', KEPT, '*', 'event', 'completed', 'jobId', added, 'returnvalue', '{"ok":true}');
    await pipeline.exec();
    if (seconds < interval * (runs.length + 1)) continue;
    if (runs.length === INTERVALS) break;
    firstRun = Math.min(firstRun, Date.now());
    runs.push((containers[runs.length % containers.length] as (typeof containers)[0]).invoke({}));
  }
  await Promise.all(runs);
  runs.push(stack.start('forward', { BULLBRIDGE_TAIL: 'never' }).invoke({}));
  const lost = (await Promise.all(runs)).reduce((sum, run) => sum + run.lost, 0);
  await admin.unlink(key);
  return { added, lost, latency: arrivals.latency };
}
