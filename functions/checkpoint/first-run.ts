import { BatchGetItemCommand } from '@aws-sdk/client-dynamodb';
import { is } from './condition.ts';
import { firstRunKey, type Source } from './keys.ts';
import { toRow } from './row.ts';
import { type Clock, type Table, writeRow } from './table.ts';
import { checkpointError } from './table-error.ts';

/**
 * When a run had first seen every queue of a source, in milliseconds since the epoch; `undefined` if none has.
 *
 * Afterwards, a queue without a position is a new queue, and its stream is read from the beginning.
 * @throws {CheckpointError} when the table is missing, denied or does not answer, or when a newer version wrote the row
 */
export async function seenWholeAt({ client, table }: Table, source: Source): Promise<number | undefined> {
  const { pk, sk } = firstRunKey(source);
  const Keys = [{ pk: { S: pk }, sk: { S: sk } }];
  const { Responses } = await client
    .send(new BatchGetItemCommand({ RequestItems: { [table]: { Keys, ConsistentRead: true } } }))
    .catch((error: unknown) => Promise.reject(checkpointError(error, table)));
  const [item] = Responses?.[table] ?? [];
  const startedAt = item && toRow(item, table)['startedAt'];
  return startedAt === undefined ? undefined : Number(startedAt);
}

/**
 * Records that every queue of a source was seen and has a position.
 *
 * @throws {CheckpointError} as {@link seenWholeAt}
 */
export async function markSeenWhole(table: Table & Clock, source: Source): Promise<void> {
  await writeRow(table, firstRunKey(source), {
    set: { startedAt: table.now().getTime() },
    condition: is('startedAt', undefined),
  });
}
