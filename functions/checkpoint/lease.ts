import { ConditionalCheckFailedException, type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { checkpointError } from './table-error.ts';

/**
 * How long a lease holds without being renewed, in milliseconds.
 *
 * Short, so that a run that crashed blocks its successor for seconds only. The lease spares duplicate work and nothing
 * else: positions move by compare-and-set, so clocks that differ cost duplicates and never events.
 */
export const LEASE_MS = 20_000;

/** The right to work on a shard, until it expires or somebody takes it over. */
export interface Lease {
  readonly key: string;
  readonly owner: string;
  /** Counts how often the lease was taken; rows written by a later epoch refuse an earlier one. */
  readonly epoch: number;
}

export interface LeaseTable {
  readonly client: DynamoDBClient;
  readonly table: string;
  readonly now: () => Date;
}

interface WaitingTable extends LeaseTable {
  readonly wait: (milliseconds: number, signal?: AbortSignal) => Promise<unknown>;
}

/** Who holds a lease that could not be taken. */
export interface LeaseHeld {
  readonly heldBy: string;
  readonly expiresAt: number;
}

/**
 * Takes a shard's lease where it is free or expired.
 *
 * @throws {CheckpointError} when the table is missing, denied or does not answer
 */
export async function takeLease(table: LeaseTable, key: string, owner: string): Promise<Lease | LeaseHeld> {
  const now = table.now().getTime();
  try {
    const { Attributes } = await table.client.send(
      new UpdateItemCommand({
        ...item(table, key),
        UpdateExpression: 'SET #owner = :owner, expiresAt = :expiresAt ADD epoch :one',
        ConditionExpression: 'attribute_not_exists(pk) OR expiresAt < :now',
        ExpressionAttributeNames: { '#owner': 'owner' },
        ExpressionAttributeValues: {
          ':owner': { S: owner },
          ':expiresAt': { N: `${now + LEASE_MS}` },
          ':now': { N: `${now}` },
          ':one': { N: '1' },
        },
        ReturnValues: 'ALL_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    );
    return { key, owner, epoch: Number(Attributes?.['epoch']?.N) };
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw checkpointError(error, table.table);
    const heldBy = error.Item?.['owner']?.S ?? '';
    // The answer to the write that took it was lost, and the client sent it again.
    if (heldBy === owner) return { key, owner, epoch: Number(error.Item?.['epoch']?.N) };
    return { heldBy, expiresAt: Number(error.Item?.['expiresAt']?.N) };
  }
}

/**
 * Takes a shard's lease as soon as the run that has it gives it back, and waits ten seconds for that at most.
 *
 * A run that still has work when the next one is started by the schedule hands over within that time, so that a backlog is
 * worked off without a pause.
 * @throws {CheckpointError} as {@link takeLease}
 */
export async function awaitLease(
  table: WaitingTable,
  key: string,
  owner: string,
  signal: AbortSignal,
): Promise<Lease | LeaseHeld> {
  for (let attempt = 1; ; attempt += 1) {
    const lease = await takeLease(table, key, owner);
    if (!('heldBy' in lease) || attempt > WAITS || signal.aborted) return lease;
    await table.wait(WAIT, signal).catch(() => undefined);
  }
}

/** Milliseconds between two attempts, and how often to wait. */
const WAIT = 100;
const WAITS = 100;

/** Holds the lease for another {@link LEASE_MS}. @returns whether it still is this run's */
export async function renewLease(table: LeaseTable, lease: Lease): Promise<boolean> {
  return update(table, lease, { expiresAt: table.now().getTime() + LEASE_MS });
}

/**
 * Lifts a lease above an epoch that was found in a row, so that its run may write it.
 *
 * The rows of a queue outlive the leases: with another number of shards, or in a table that was restored, a lease
 * begins to count anew.
 * @returns `undefined` where another run has taken it
 */
export async function liftLease(table: LeaseTable, lease: Lease, above: number): Promise<Lease | undefined> {
  const epoch = above + 1;
  return (await update(table, lease, { epoch })) ? { ...lease, epoch } : undefined;
}

/**
 * Renews the lease every third of its time until the signal ends it, and says so when another run has taken it.
 *
 * A renewal that fails is tried again at the next turn, since the lease holds for two more.
 */
export async function keepLease(
  table: WaitingTable,
  lease: Lease,
  signal: AbortSignal,
  onLost: () => void,
): Promise<void> {
  while (!signal.aborted) {
    await table.wait(LEASE_MS / 3, signal).catch(() => undefined);
    if (signal.aborted) return;
    const isHeld = await renewLease(table, lease).catch(() => true);
    if (!isHeld) return onLost();
  }
}

/** Gives the lease back, so that the next run need not wait; the epoch stays in the row. */
export async function releaseLease(table: LeaseTable, lease: Lease): Promise<void> {
  await update(table, lease, { expiresAt: 0 });
}

/** Changes a lease while it is its owner's; says whether it was. */
async function update(
  table: LeaseTable,
  { key, owner }: Lease,
  change: Readonly<Record<string, number>>,
): Promise<boolean> {
  const names = Object.keys(change);
  try {
    await table.client.send(
      new UpdateItemCommand({
        ...item(table, key),
        UpdateExpression: `SET ${names.map((name) => `${name} = :${name}`).join(', ')}`,
        ConditionExpression: '#owner = :owner',
        ExpressionAttributeNames: { '#owner': 'owner' },
        ExpressionAttributeValues: {
          ':owner': { S: owner },
          ...Object.fromEntries(names.map((name) => [`:${name}`, { N: `${change[name]}` }])),
        },
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw checkpointError(error, table.table);
  }
}

function item({ table }: LeaseTable, key: string) {
  return { TableName: table, Key: { pk: { S: key }, sk: { S: 'lease' } } };
}
