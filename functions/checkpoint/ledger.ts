import { QueryCommand } from '@aws-sdk/client-dynamodb';
import type { Loss } from '../stream/position.ts';
import { all, type Condition, is, not } from './condition.ts';
import { gapKey, gapPartition, type Source } from './keys.ts';
import { type Item, type Row, toRow } from './row.ts';
import { type Change, type Outcome, type Table, writeRow } from './table.ts';
import { checkpointError } from './table-error.ts';

/** The rows of the gaps of a source: one Redis and prefix. */
export type Ledger = Table & Source;

/** A gap in the stream of a queue. */
export interface Gap extends Loss {
  readonly queue: string;
  /** When it was found, in milliseconds since the epoch. */
  readonly detectedAt: number;
}

/** A gap that is not completely recovered yet. */
export interface OpenGap extends Gap {
  /** Grows each time the gap is found with other bounds; results for one revision are void for the next. */
  readonly revision: number;
  /** The saved progress of its recovery; absent before it began. */
  readonly progress?: string;
}

/** The result of the recovery of a gap. */
export interface Recovery {
  readonly completed: number;
  readonly failed: number;
  /** Events that cannot be recovered, because Redis has no trace of them. */
  readonly unknown: number;
}

/** How long the row of a closed gap is kept, in seconds. */
const KEPT = 30 * 24 * 3600;

/**
 * Writes a gap to the ledger, so that it is recovered.
 *
 * The queue and the last entry before the gap identify its row. Finding the gap again changes nothing; finding that
 * more entries are gone opens it again with the new bounds.
 * @throws {CheckpointError} when the table is missing, denied or does not answer, or has rows of a newer version
 */
export async function openGap(ledger: Ledger, gap: Gap): Promise<void> {
  const { queue, reason, lost, exact, afterId, beforeId, since, detectedAt } = gap;
  const bounds = { lost, beforeId: beforeId ?? undefined };
  await write(ledger, gap, {
    set: { queue, afterId, ...bounds, since, exact, reason, detectedAt, state: 'open' },
    add: { revision: 1 },
    remove: ['progress', 'ttl', 'completed', 'failed', 'unknown'],
    condition: not(all(is('lost', bounds.lost), is('beforeId', bounds.beforeId))),
  });
}

/**
 * The gaps that are still open, by queue, oldest first.
 *
 * @throws {CheckpointError} when the table is missing, denied or does not answer, or has rows of a newer version
 */
export async function* openGaps(ledger: Ledger): AsyncGenerator<OpenGap> {
  let from: Item | undefined;
  do {
    const page = await ledger.client
      .send(
        new QueryCommand({
          TableName: ledger.table,
          KeyConditionExpression: 'pk = :pk',
          FilterExpression: '#state = :open',
          ExpressionAttributeNames: { '#state': 'state' },
          ExpressionAttributeValues: { ':pk': { S: gapPartition(ledger) }, ':open': { S: 'open' } },
          ConsistentRead: true,
          ExclusiveStartKey: from,
        }),
      )
      .catch((error: unknown) => Promise.reject(checkpointError(error, ledger.table)));
    for (const item of page.Items ?? []) yield toGap(toRow(item, ledger.table));
    from = page.LastEvaluatedKey;
  } while (from);
}

/** Saves the progress of the recovery of a gap. @returns whether the gap is still open with the same bounds */
export async function saveProgress(ledger: Ledger, gap: OpenGap, progress: string): Promise<boolean> {
  return 'written' in (await write(ledger, gap, { set: { progress }, condition: isOpen(gap) }));
}

/** Closes a gap; its row is kept for 30 days. @returns whether the gap was still open with the same bounds */
export async function closeGap(ledger: Ledger, gap: OpenGap, recovery: Recovery, now: number): Promise<boolean> {
  const { completed, failed, unknown } = recovery;
  const outcome = await write(ledger, gap, {
    set: { state: 'closed', completed, failed, unknown, ttl: Math.floor(now / 1000) + KEPT },
    remove: ['progress'],
    condition: isOpen(gap),
  });
  if ('written' in outcome) return true;
  // The answer to the write that closed the gap may have been lost, so that the write was sent again.
  return outcome.refused?.['state'] === 'closed' && outcome.refused['revision'] === gap.revision;
}

function isOpen({ revision }: OpenGap): Condition {
  return all(is('state', 'open'), is('revision', revision));
}

function write(ledger: Ledger, { queue, afterId }: Gap, change: Change): Promise<Outcome> {
  return writeRow(ledger, gapKey(ledger, queue, afterId), change);
}

function toGap(row: Row): OpenGap {
  const progress = row['progress'] as string | undefined;
  const since = row['since'];
  return {
    queue: row['queue'] as string,
    reason: row['reason'] as Gap['reason'],
    lost: Number(row['lost']),
    exact: row['exact'] === true,
    afterId: row['afterId'] as string,
    beforeId: (row['beforeId'] as string | undefined) ?? null,
    ...(since !== undefined && { since: Number(since) }),
    detectedAt: Number(row['detectedAt']),
    revision: Number(row['revision']),
    ...(progress !== undefined && { progress }),
  };
}
