import { Redis } from 'ioredis';
import { claimPrefix } from '../../local/own-prefix.ts';
import type { LocalStack } from '../../local/stack.ts';
import { type EventKey, QUEUE } from './jobs.ts';
import { SCENARIOS, type ScenarioName, type Sizes } from './scenarios.ts';
import type { Account, Hear } from './way.ts';
import { WAYS, type WayName } from './ways.ts';
import { createWorkload } from './workload.ts';

/** What became of the events of one scenario on one way. */
export interface Outcome {
  /** All that happened, in order. */
  readonly happened: readonly EventKey[];
  /** What the workers' own listeners heard of it. */
  readonly seenByWorkers: readonly EventKey[];
  readonly heard: ReadonlySet<EventKey>;
  readonly missed: readonly EventKey[];
  /** Times that an event was heard again. */
  readonly again: number;
  /** Of these, without a word that it may be so. */
  readonly unmarked: number;
  /** Entries that the stream ever had. */
  readonly written: number;
  /** Where the way keeps account. */
  readonly account: Account | undefined;
  /** Events that were missed and that no figure of the way accounts for. */
  readonly unaccounted: number;
  readonly remarks: readonly string[];
}

export interface CompareOptions {
  readonly redisUrl: string;
  readonly sizes: Sizes;
  readonly startStack: (environment: Readonly<Record<string, string>>) => Promise<LocalStack>;
}

/** Plays one scenario on one way, under a prefix of its own. */
export async function compare(scenario: ScenarioName, way: WayName, options: CompareOptions): Promise<Outcome> {
  const { redisUrl, sizes, startStack } = options;
  await using started = new AsyncDisposableStack();
  const { name: prefix } = started.adopt(await claimPrefix(redisUrl), (own) => own.remove());
  const admin = started.adopt(new Redis(redisUrl, { maxRetriesPerRequest: null }), (redis) => redis.disconnect());
  const workload = started.use(await createWorkload(redisUrl, prefix, sizes.maxLen));
  const world = { redisUrl, prefix, admin, workload, startStack };
  const heard = new Set<EventKey>();
  let again = 0;
  let unmarked = 0;
  const hear: Hear = (key, isMarked = false) => {
    if (!workload.expected.has(key)) return;
    if (heard.has(key)) {
      again += 1;
      if (!isMarked) unmarked += 1;
    }
    heard.add(key);
  };
  const listener = started.use(await WAYS[way](world, hear));
  await SCENARIOS[scenario].play(world, listener, sizes);
  await listener.sync?.();

  const missed = [...workload.expected].filter((key) => !heard.has(key));
  const written = await countWritten(admin, `${prefix}:${QUEUE}:events`);
  const account = listener.account?.();
  return {
    happened: [...workload.expected],
    seenByWorkers: [...workload.seen.values()].flat(),
    heard,
    missed,
    again,
    unmarked,
    written,
    account,
    unaccounted: account ? Math.max(0, written - account.entries, missed.length - account.lost) : missed.length,
    remarks: listener.remarks(),
  };
}

async function countWritten(admin: Redis, stream: string): Promise<number> {
  const info = (await admin.xinfo('STREAM', stream)) as unknown[];
  return Number(info[info.indexOf('entries-added') + 1]);
}
