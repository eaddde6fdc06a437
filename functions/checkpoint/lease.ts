import { all, any, type Condition, is, isWithin, not } from './condition.ts';
import { leaseKey } from './keys.ts';
import type { Row } from './row.ts';
import { type Clock, type Table, writeRow } from './table.ts';

/**
 * How long a lease is valid without being renewed, in milliseconds.
 *
 * It is short, so that a run that crashed blocks the next run for seconds only. The lease only prevents duplicate work:
 * positions move by compare-and-set, so clocks that differ may cause duplicates, but never lose events.
 */
export const LEASE_MS = 20_000;

/** The right to work on a shard, until it expires or another run takes it. */
export interface Lease {
  readonly key: string;
  /** The name of the run, unique to the run. */
  readonly owner: string;
  /** Grows each time the lease is taken; a row that was written in a later epoch refuses writes of an earlier epoch. */
  readonly epoch: number;
  /**
   * Whether the previous run may have published entries without saving positions: it crashed, failed, or still runs.
   */
  readonly isDoubtful: boolean;
}

/** The row of a lease that another run has; attributes can be missing. */
export interface LeaseRow {
  readonly owner?: string | undefined;
  readonly epoch?: number | undefined;
  /** Milliseconds since the epoch by the clock of its owner; 0 once the lease is released. */
  readonly expiresAt?: number | undefined;
  /** The name of a run that waits for the lease. */
  readonly waiter?: string | undefined;
  /** The last epoch in which a run saved the positions of all published entries. */
  readonly savedEpoch?: number | undefined;
}

/**
 * Takes a lease that is free: never taken, released, expired, or with an expiry time that only a wrong clock can write.
 *
 * @param abandoned a row that its owner did not renew in time: it counts as free, whatever the clocks show
 * @returns the lease, or the row of the lease if another run has it
 * @throws {CheckpointError} when the table is missing, denied or does not answer
 */
export async function takeLease(
  table: Table & Clock,
  key: string,
  owner: string,
  abandoned?: LeaseRow,
): Promise<Lease | { readonly heldBy: LeaseRow }> {
  const now = table.now().getTime();
  const outcome = await writeRow(table, leaseKey(key), {
    set: { owner, expiresAt: now + LEASE_MS },
    add: { epoch: 1 },
    remove: ['waiter', 'waitingSince'],
    // A run takes a lease once: its own late write must not take the lease again after it was released.
    condition: all(not(is('owner', owner)), any(isFree(now), ...(abandoned ? [isUnchanged(abandoned)] : []))),
  });
  const row = toLeaseRow('written' in outcome ? outcome.written : outcome.refused);
  // A refused write may also mean yes: the answer to the write that took the lease was lost, and it was sent again.
  const isTaken = row.owner === owner && row.expiresAt !== 0;
  if (!isTaken) return { heldBy: row };
  const { epoch = 0, savedEpoch = 0 } = row;
  return { key, owner, epoch, isDoubtful: savedEpoch !== epoch - 1 };
}

/**
 * Asks the run that has a lease to hand it over. The next run to take the lease removes the request.
 *
 * @param since when the run began to wait, in milliseconds since the epoch; for people who read the table
 * @returns `false` if the lease was released or taken meanwhile
 */
export async function askForLease(
  table: Table,
  key: string,
  owner: string,
  { heldBy, since }: { readonly heldBy: LeaseRow; readonly since: number },
): Promise<boolean> {
  const outcome = await writeRow(table, leaseKey(key), {
    set: { waiter: owner, waitingSince: since },
    condition: all(is('epoch', heldBy.epoch), not(isReleased)),
  });
  return 'written' in outcome;
}

/**
 * Renews the lease for another {@link LEASE_MS}.
 *
 * A renewal that arrives after the release is refused, so it cannot revive the lease.
 * @returns the row, which shows whether a run waits; `undefined` if this run no longer has the lease
 */
export async function renewLease(table: Table & Clock, lease: Lease): Promise<LeaseRow | undefined> {
  const outcome = await writeRow(table, leaseKey(lease.key), {
    set: { expiresAt: table.now().getTime() + LEASE_MS },
    condition: isHeld(lease),
  });
  return 'written' in outcome ? toLeaseRow(outcome.written) : undefined;
}

/**
 * Raises the epoch of a lease above an epoch that was found in a row, so that its run may write that row.
 *
 * The rows of queues outlive leases: with another number of shards, or in a restored table, the epochs of a lease
 * restart.
 * @returns `undefined` if this run no longer has the lease
 */
export async function liftLease(table: Table, lease: Lease, above: number): Promise<Lease | undefined> {
  if (above < lease.epoch) return lease;
  const lifted = { ...lease, epoch: above + 1 };
  const outcome = await writeRow(table, leaseKey(lease.key), {
    set: { epoch: lifted.epoch },
    // The lease may be raised already: a write whose answer was lost is sent again.
    condition: any(isHeld(lease), isHeld(lifted)),
  });
  return 'written' in outcome ? lifted : undefined;
}

/**
 * Releases the lease, so that the next run need not wait; the epoch stays in the row.
 *
 * @param isSaved whether the run has saved the positions of all published entries
 */
export async function releaseLease(table: Table, lease: Lease, isSaved = false): Promise<void> {
  const set = { expiresAt: 0, ...(isSaved && { savedEpoch: lease.epoch }) };
  await writeRow(table, leaseKey(lease.key), { set, condition: isHeld(lease) });
}

/** Holds if no run has the lease. An expiry time more than two leases ahead comes from a wrong clock. */
function isFree(now: number): Condition {
  return not(isWithin('expiresAt', now, now + 2 * LEASE_MS));
}

const isReleased = is('expiresAt', 0);

function isHeld({ owner, epoch }: Lease): Condition {
  return all(is('owner', owner), is('epoch', epoch), not(isReleased));
}

function isUnchanged({ epoch, expiresAt }: LeaseRow): Condition {
  return all(is('epoch', epoch), is('expiresAt', expiresAt));
}

function toLeaseRow({ owner, epoch, expiresAt, waiter, savedEpoch }: Row = {}): LeaseRow {
  return { owner, epoch, expiresAt, waiter, savedEpoch } as LeaseRow;
}
