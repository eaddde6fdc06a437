import { awaitLease, type WaitingTable } from './await-lease.ts';
import { LEASE_MS, type Lease, liftLease, releaseLease, renewLease } from './lease.ts';
import { SupersededError } from './superseded.ts';

export interface LeaseOptions {
  /** Names this run in the row; never the same for two runs. */
  readonly owner: string;
  /** `drain` ends the waiting for a lease that another run has. */
  readonly signals: { readonly drain: AbortSignal };
  /** Milliseconds from the start of this run to that of its successor. @default unknown */
  readonly interval?: number;
  readonly warn: (message: string) => void;
}

/** A lease while its run has it. */
export interface HeldLease extends Pick<Lease, 'key' | 'epoch' | 'isDoubtful'> {
  /** Renews the lease, which proves that no other run has taken it. @throws {SupersededError} */
  confirm(): Promise<void>;
  /** Notes that the positions of all that was published are saved, so that the next run need not doubt it. */
  noteSaved(): void;
  /** Lifts {@link Lease.epoch} above one that was found in a row; see {@link liftLease}. @throws {SupersededError} */
  liftAbove(epoch: number): Promise<void>;
}

/** What work is given that is done under a lease. */
export interface Tenure {
  readonly lease: HeldLease;
  /** Aborted when another run waits for the lease: what is under way is to be finished, and nothing else begun. */
  readonly handOver: AbortSignal;
  /** Aborted with a {@link SupersededError} when another run has taken the lease. */
  readonly lost: AbortSignal;
}

/** How work under a lease ended: done, not begun since another run has the lease, or continued by another run. */
export type Ending = 'done' | 'held' | 'superseded';

/** Milliseconds between two renewals. One that fails leaves time for two more. */
const RENEWAL = LEASE_MS / 3;
/**
 * The same once a successor is due.
 *
 * A renewal is also the look for a successor, and costs a write: two a second, until the successor has come.
 */
const LOOK = 500;

/**
 * Does work under a lease: waits for the lease, keeps it renewed, and releases it in the end.
 *
 * A successor waits while this run renews the lease. It writes that into the row, which this run sees with its next
 * renewal. No clock decides when a run hands over.
 *
 * @throws {CheckpointError} when the lease cannot be taken, since the table is missing, denied or does not answer
 * @throws what the work throws, apart from a {@link SupersededError}, which is a warning: the other run continues
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
    // A lease that is not released expires by itself. That must not hide how the work ended.
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
   * One write after the other: a renewal must not have an epoch above which the lease is being lifted, and none may
   * wait for the table once the run has ended.
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
      // A renewal that fails is repeated after the next pause.
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
