import { closeGap, type Ledger, type OpenGap, type Recovery, saveProgress } from '../checkpoint/ledger.ts';
import type { Clients } from '../clients.ts';
import type { DetailSettings } from '../event/detail-settings.ts';
import { recoveryEntry } from '../event/envelope.ts';
import type { Signals } from '../invocation.ts';
import type { RedisConnection } from '../redis/port.ts';
import { formatPlace, type Outcome, type Place, parsePlace } from './place.ts';
import { type RecoveredCounts, recover } from './recover.ts';
import { createRemainingEvents } from './remaining-events.ts';
import { windowOf } from './window.ts';

export interface GapOptions {
  readonly outcomes: readonly Outcome[];
  /** @default all fields of the event, no fields of the job */
  readonly details?: DetailSettings | undefined;
  /** When the source was first forwarded, in milliseconds since the epoch. */
  readonly startedAt: number;
  /** The largest difference between clocks, in milliseconds. */
  readonly clockSkew: number;
  /** Connects at the first call; later calls return the same connection. */
  readonly redis: () => Promise<RedisConnection>;
  /** Called with the numbers of events of each page, once they are settled. */
  readonly onRecovered: (counts: RecoveredCounts) => void;
}

/** The progress of the recovery of a gap, saved in the row of the gap after each page. */
interface Progress {
  readonly place?: Place | undefined;
  readonly counts: RecoveredCounts;
}

/**
 * Recovers the lost events of a gap as far as possible, publishes `Events Recovered`, and closes the gap; continues
 * where an earlier run stopped.
 *
 * Each step can be repeated after a crash and publishes the same ids again: the last page, `Events Recovered`, the
 * closing.
 * @returns the result of the recovery, or `undefined` if the gap is still open: the run was told to drain, or the gap
 * has grown meanwhile
 * @throws {BullbridgeError} for a fault that an operator must fix; the gap stays open
 */
export async function recoverGap(
  ledger: Ledger,
  gap: OpenGap,
  { publish, now }: Clients,
  options: GapOptions,
  signals: Signals,
): Promise<Recovery | undefined> {
  const origin = { sourceName: ledger.sourceName, prefix: ledger.prefix, queue: gap.queue };
  let progress = parseProgress(gap.progress);

  async function scan(): Promise<boolean> {
    const redis = await options.redis();
    const window = windowOf(gap, options.startedAt, options.clockSkew);
    return recover(
      {
        redis,
        publish,
        origin,
        outcomes: options.outcomes,
        window,
        start: progress.place,
        details: options.details,
        remaining: createRemainingEvents(redis, ledger.prefix, gap),
        onSettled: (place, counts) => {
          options.onRecovered(counts);
          progress = { place, counts: sum(progress.counts, counts) };
          return saveProgress(ledger, gap, formatProgress(progress));
        },
      },
      signals,
    );
  }

  // A roll-back took back the jobs together with their stream, and the stream is read again from before the roll-back.
  // The jobs know no event that the stream does not have.
  const isScanned = gap.reason === 'rolled-back' || (await scan());
  if (!isScanned) return undefined;
  const { completed, failed } = progress.counts;
  const recovery = { completed, failed, unknown: Math.max(0, gap.lost - completed - failed) };
  await publish([recoveryEntry(origin, gap, recovery, now())], signals.stop);
  const isClosed = await closeGap(ledger, gap, recovery, now().getTime());
  return isClosed ? recovery : undefined;
}

function sum(a: RecoveredCounts, b: RecoveredCounts): RecoveredCounts {
  return { completed: a.completed + b.completed, failed: a.failed + b.failed };
}

function formatProgress({ place, counts }: Progress): string {
  return JSON.stringify({ ...counts, place: place && formatPlace(place) });
}

function parseProgress(text: string | undefined): Progress {
  if (text === undefined) return { counts: { completed: 0, failed: 0 } };
  const { completed, failed, place } = JSON.parse(text) as RecoveredCounts & { readonly place: string };
  return { counts: { completed, failed }, place: parsePlace(place) };
}
