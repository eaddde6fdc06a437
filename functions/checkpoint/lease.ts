import { all, any, type Condition, is, isWithin, not } from './condition.ts';
import { leaseKey } from './keys.ts';
import type { Row } from './row.ts';
import { type Clock, type Table, writeRow } from './table.ts';

/**
 * How long a lease holds without being renewed, in milliseconds.
 *
 * Short, so that a run that crashed blocks its successor for seconds only. The lease saves duplicate work and nothing
 * else: positions move by compare-and-set, so clocks that differ cost duplicates and never events.
 */
export const LEASE_MS = 20_000;

/** The right to work on a shard, until it expires or another run takes it. */
export interface Lease {
  readonly key: string;
  /** Names the run; never the same for two runs. */
  readonly owner: string;
  /** Grows each time that the lease is taken; rows written in a later epoch refuse an earlier one. */
  readonly epoch: number;
  /** The run before may have published entries without saving their positions: it crashed, failed, or still runs. */
  readonly isDoubtful: boolean;
}

/** The row of a lease that another run has; an attribute can be missing. */
export interface LeaseRow {
  readonly owner?: string | undefined;
  readonly epoch?: number | undefined;
  /** Milliseconds since the epoch by the clock of its owner; 0 once the lease is released. */
  readonly expiresAt?: number | undefined;
  /** A run that waits for the lease. */
  readonly waiter?: string | undefined;
  /** The last epoch in which a run saved all that it had published. */
  readonly savedEpoch?: number | undefined;
}

/**
 * Takes a lease that is free: never taken, released, expired, or with an end that no right clock can have written.
 *
 * @param abandoned a row that its owner did not renew in time: it counts as free, whatever the clocks say
 * @returns the row that another run has, where it is not free
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
    // A run takes a lease once: its own write that arrives late must not take the lease again after it was released.
    condition: all(not(is('owner', owner)), any(isFree(now), ...(abandoned ? [isUnchanged(abandoned)] : []))),
  });
  const row = toLeaseRow('written' in outcome ? outcome.written : outcome.refused);
  // Also where it was refused: the answer to the write that took it was lost, and the client sent it again.
  const isTaken = row.owner === owner && row.expiresAt !== 0;
  if (!isTaken) return { heldBy: row };
  const { epoch = 0, savedEpoch = 0 } = row;
  return { key, owner, epoch, isDoubtful: savedEpoch !== epoch - 1 };
}

/**
 * Asks the run that has a lease to hand it over. The next run to take the lease removes the request.
 *
 * @param since when the run began to wait, in milliseconds since the epoch; for whoever reads the table
 * @returns `false` where the lease was released or taken meanwhile
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
 * Holds the lease for another {@link LEASE_MS}.
 *
 * A renewal that arrives after the release is refused, so that it cannot revive the lease.
 * @returns the row, which says whether a run waits; `undefined` where this run does not have the lease any more
 */
export async function renewLease(table: Table & Clock, lease: Lease): Promise<LeaseRow | undefined> {
  const outcome = await writeRow(table, leaseKey(lease.key), {
    set: { expiresAt: table.now().getTime() + LEASE_MS },
    condition: isHeld(lease),
  });
  return 'written' in outcome ? toLeaseRow(outcome.written) : undefined;
}

/**
 * Lifts a lease above an epoch that was found in a row, so that its run may write that row.
 *
 * The rows of a queue outlive the leases: with another number of shards, or in a table that was restored, the epochs of a
 * lease begin anew.
 * @returns `undefined` where this run does not have the lease any more
 */
export async function liftLease(table: Table, lease: Lease, above: number): Promise<Lease | undefined> {
  if (above < lease.epoch) return lease;
  const lifted = { ...lease, epoch: above + 1 };
  const outcome = await writeRow(table, leaseKey(lease.key), {
    set: { epoch: lifted.epoch },
    // Also where it is lifted: the client sends a write again whose answer was lost.
    condition: any(isHeld(lease), isHeld(lifted)),
  });
  return 'written' in outcome ? lifted : undefined;
}

/**
 * Gives the lease back, so that the next run need not wait; the epoch stays in the row.
 *
 * @param isSaved whether the run has saved all that it published
 */
export async function releaseLease(table: Table, lease: Lease, isSaved = false): Promise<void> {
  const set = { expiresAt: 0, ...(isSaved && { savedEpoch: lease.epoch }) };
  await writeRow(table, leaseKey(lease.key), { set, condition: isHeld(lease) });
}

/** Nobody has it. An end further away than two leases comes from a wrong clock. */
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
