import { askForLease, LEASE_MS, type Lease, type LeaseRow, takeLease } from './lease.ts';
import type { Clock, Table } from './table.ts';

/** A table, and the time to wait for it. */
export interface WaitingTable extends Table, Clock {
  /** @returns after so many milliseconds, or rejects when the signal is aborted */
  readonly wait: (milliseconds: number, signal?: AbortSignal) => Promise<unknown>;
}

/**
 * Milliseconds between two looks at a lease that another run has: short while a hand-over is expected, else long.
 *
 * Each look is a conditional write, and DynamoDB charges for those that it refuses. A whole minute of waiting costs at most
 * 160 of them, a hundredth of a cent.
 */
const SHORT = 100;
const LONG = 500;
/** Looks with the short pause: two seconds. */
const SHORT_LOOKS = 20;

/**
 * Takes a lease, and waits for it as long as another run renews it.
 *
 * The run that has the lease is asked to hand it over. A lease that is not renewed is taken at its end, or when it did not
 * change for {@link LEASE_MS} of this run's clock, whichever is first: the two clocks need not agree.
 *
 * @param signal ends the waiting
 * @returns `undefined` where the signal came first
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
