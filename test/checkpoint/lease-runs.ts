import { once } from 'node:events';
import { type LeaseOptions, type Tenure, withLease } from '../../functions/checkpoint/with-lease.ts';
import type { Network, VirtualTime } from '../virtual-time.ts';

export const MINUTE = 60_000;
const never = new AbortController().signal;

/** Until another run waits for the lease, or took it. */
export async function asked({ handOver, lost }: Tenure): Promise<void> {
  const end = AbortSignal.any([handOver, lost]);
  if (!end.aborted) await once(end, 'abort');
}

export interface RunOptions extends Partial<LeaseOptions> {
  /** Milliseconds after the beginning. */
  readonly start?: number;
  readonly offset?: number;
  readonly network?: Network;
}

/** A run, and when it worked. */
export async function run(
  time: VirtualTime,
  owner: string,
  work: (tenure: Tenure) => Promise<void> = asked,
  { start = 0, offset, network, ...options }: RunOptions = {},
) {
  await time.wait(start);
  const log = { start, took: Number.NaN, ended: Number.NaN, ending: '', warnings: [] as string[] };
  const warn = (message: string) => log.warnings.push(message);
  const defaults = { owner, signals: { drain: never }, interval: MINUTE, warn };
  log.ending = await withLease(time.table(offset, network), 'shard', { ...defaults, ...options }, async (tenure) => {
    log.took = time.elapsed();
    await work(tenure);
    log.ended = time.elapsed();
  });
  return log;
}

/** A run that works until somebody waits for its lease, and then ends what is under way. */
export const listen =
  (time: VirtualTime, finish = 0) =>
  async (tenure: Tenure) => {
    await asked(tenure);
    await time.wait(finish);
  };

/** A process that stops at a time: nothing of it happens any more. */
export const diesAt = (time: VirtualTime, at: number): Network => {
  return (send) => (time.elapsed() < at ? send() : new Promise(() => {}));
};
