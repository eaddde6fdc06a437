import { askForLease, LEASE_MS, type Lease, type LeaseRow, takeLease } from './lease.ts';
import type { Clock, Table } from './table.ts';

/** A table, and a clock that can wait. */
export interface WaitingTable extends Table, Clock {
  /** Resolves after the given milliseconds; rejects when the signal is aborted. */
  readonly wait: (milliseconds: number, signal?: AbortSignal) => Promise<unknown>;
}

/**
 * Milliseconds between two attempts to take a lease that another run has: short while a hand-over is expected,
 * otherwise long.
 *
 * Each attempt is a conditional write, and DynamoDB also charges for writes that it refuses. A minute of waiting costs
 * at most 160 writes, a hundredth of a cent.
 */
const SHORT = 100;
const LONG = 500;
/** Attempts with the short pause: two seconds. */
const SHORT_LOOKS = 20;

/**
 * Takes a lease, and waits as long as another run renews it.
 *
 * It asks the run that has the lease to hand it over. A lease that is not renewed is taken when it expires, or when it
 * did not change for {@link LEASE_MS} by the clock of this run, whichever comes first: the two clocks may differ.
 *
 * @param signal ends the waiting
 * @returns `undefined` if the signal came first
 * @throws {CheckpointError} when the table is missing, denied or does not answer
 */
export async function awaitLease(
  table: WaitingTable,
  key: string,
  owner: string,
  signal: AbortSignal,
): Promise<Lease | undefined> {
  const since = table.now().getTime();
  let seen: { readonly row: LeaseRow; readonly at: number } | undefined;
  let isAnswered = false;
  let shortLooks = 0;
  for (;;) {
    const isAbandoned = seen && table.now().getTime() - seen.at >= LEASE_MS;
    const taken = await takeLease(table, key, owner, isAbandoned ? seen?.row : undefined);
    if ('epoch' in taken) return taken;
    if (signal.aborted) return undefined;
    const { heldBy: row } = taken;
    const hasChanged = row.epoch !== seen?.row.epoch || row.expiresAt !== seen?.row.expiresAt;
    if (hasChanged) seen = { row, at: table.now().getTime() };
    if (row.waiter === undefined) {
      await askForLease(table, key, owner, { heldBy: row, since });
      isAnswered = false;
      shortLooks = SHORT_LOOKS;
    } else if (hasChanged && !isAnswered) {
      // A renewal after the request: the other run has seen it.
      isAnswered = true;
      shortLooks = SHORT_LOOKS;
    }
    await table.wait(shortLooks > 0 ? SHORT : LONG, signal).catch(() => undefined);
    shortLooks -= 1;
  }
}
