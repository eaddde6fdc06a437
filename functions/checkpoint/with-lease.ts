import { awaitLease, type WaitingTable } from './await-lease.ts';
import { LEASE_MS, type Lease, liftLease, releaseLease, renewLease } from './lease.ts';
import { SupersededError } from './superseded.ts';

export interface LeaseOptions {
  /** The name of this run in the row, unique to the run. */
  readonly owner: string;
  /** `drain` ends the waiting for a lease that another run has. */
  readonly signals: { readonly drain: AbortSignal };
  /** Milliseconds from the start of this run to the start of the next one. @default unknown */
  readonly interval?: number;
  readonly warn: (message: string) => void;
}

/** A lease that this run has. */
export interface HeldLease extends Pick<Lease, 'key' | 'epoch' | 'isDoubtful'> {
  /** Renews the lease, which proves that no other run has taken it. @throws {SupersededError} */
  confirm(): Promise<void>;
  /** Records that the positions of all published entries are saved. */
  noteSaved(): void;
  /**
   * Raises {@link Lease.epoch} above an epoch that was found in a row, see {@link liftLease}.
   *
   * @throws {SupersededError}
   */
  liftAbove(epoch: number): Promise<void>;
}

/** The lease and the signals for work under a lease. */
export interface Tenure {
  readonly lease: HeldLease;
  /** Aborted when another run waits for the lease: the work must finish what it has begun, and begin nothing else. */
  readonly handOver: AbortSignal;
  /** Aborted with a {@link SupersededError} when another run has taken the lease. */
  readonly lost: AbortSignal;
}

/** How work under a lease ended: done, not begun because another run has the lease, or continued by another run. */
export type Ending = 'done' | 'held' | 'superseded';

/** Milliseconds between two renewals; after a failed renewal, there is time for two more. */
const RENEWAL = LEASE_MS / 3;
/**
 * Milliseconds between two renewals once the next run is due.
 *
 * A renewal also shows whether a run waits. It costs a write, two a second until the next run waits.
 */
const LOOK = 500;

/**
 * Does work under a lease: waits for the lease, renews it during the work, and releases it at the end.
 *
 * The next run waits while this run renews the lease. It writes its request into the row, and this run sees it with its
 * next renewal. No clock decides when a run hands over.
 *
 * @throws {CheckpointError} when the lease cannot be taken, because the table is missing, denied or does not answer
 * @throws any error of the work, except a {@link SupersededError}, which becomes a warning: the other run continues
 */
export async function withLease(
  table: WaitingTable,
  key: string,
  { owner, signals, interval = Number.POSITIVE_INFINITY, warn }: LeaseOptions,
  work: (tenure: Tenure) => Promise<void>,
): Promise<Ending> {
  const successorDue = table.now().getTime() + interval;
  const lease = await awaitLease(table, key, owner, signals.drain);
  if (!lease) return 'held';
  const { release, ...tenure } = hold(table, lease, successorDue);
  try {
    await work(tenure);
    tenure.lost.throwIfAborted();
    return 'done';
  } catch (error) {
    if (!(error instanceof SupersededError)) throw error;
    warn(`Stopped: ${error.message} by another run, which continues from the saved positions.`);
    return 'superseded';
  } finally {
    // A lease that is not released expires by itself. A failed release must not hide the error of the work.
    await release().catch((error: Error) => warn(error.message));
  }
}

/** Keeps a lease renewed until it is released or lost. */
function hold(table: WaitingTable, taken: Lease, successorDue: number) {
  const handOver = new AbortController();
  const lost = new AbortController();
  const ending = new AbortController();
  let lease = taken;
  let isSaved = false;
  let turn: Promise<unknown> = Promise.resolve();

  /**
   * Runs one write after the other: a renewal must not use an old epoch while the epoch is being raised, and no write
   * may be under way after the run has ended.
   */
  function inTurn(write: () => Promise<void>): Promise<void> {
    const written = turn.then(write);
    turn = written.catch(() => undefined);
    return written;
  }

  function lose(): never {
    lost.abort(new SupersededError('the lease was taken'));
    throw lost.signal.reason;
  }

  async function renew(): Promise<void> {
    const row = await renewLease(table, lease);
    if (!row) lose();
    if (row.waiter !== undefined) handOver.abort();
  }

  function pause(): number {
    if (handOver.signal.aborted) return RENEWAL;
    return Math.min(RENEWAL, Math.max(LOOK, successorDue - table.now().getTime()));
  }

  async function keep(): Promise<void> {
    const ended = AbortSignal.any([ending.signal, lost.signal]);
    while (!ended.aborted) {
      await table.wait(pause(), ended).catch(() => undefined);
      // A failed renewal is repeated after the next pause.
      if (!ended.aborted) await inTurn(renew).catch(() => undefined);
    }
  }

  keep();
  return {
    lease: {
      key: taken.key,
      isDoubtful: taken.isDoubtful,
      noteSaved() {
        isSaved = true;
      },
      get epoch() {
        return lease.epoch;
      },
      confirm: () => inTurn(renew),
      liftAbove: (epoch: number) =>
        inTurn(async () => {
          lease = (await liftLease(table, lease, epoch)) ?? lose();
        }),
    },
    handOver: handOver.signal,
    lost: lost.signal,
    release() {
      ending.abort();
      return inTurn(() => releaseLease(table, lease, isSaved));
    },
  };
}
