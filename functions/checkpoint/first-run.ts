import { BatchGetItemCommand } from '@aws-sdk/client-dynamodb';
import { is } from './condition.ts';
import { firstRunKey, type Source } from './keys.ts';
import { type Row, toRow } from './row.ts';
import { type Clock, type Key, type Table, writeRow } from './table.ts';
import { checkpointError } from './table-error.ts';

/**
 * The moment at which bullbridge first ran for a source, in milliseconds since the epoch; the first to ask makes it now.
 *
 * It is written before anything is read and never changes, so that what is older and what is newer stays the same for
 * every shard, after a crash, and for queues that appear later: these have nothing older.
 * @throws {CheckpointError} when the table is missing, denied or does not answer
 */
export async function firstRunOf(table: Table & Clock, source: Source): Promise<number> {
  const key = firstRunKey(source);
  // A row that was not found may be there: DynamoDB can leave a key unread, and another shard can write it meanwhile.
  const startedAt = (await find(table, key))?.['startedAt'] ?? (await create(table, key))?.['startedAt'];
  return Number(startedAt);
}

async function find({ client, table }: Table, { pk, sk }: Key): Promise<Row | undefined> {
  const { Responses } = await client
    .send(
      new BatchGetItemCommand({
        RequestItems: { [table]: { Keys: [{ pk: { S: pk }, sk: { S: sk } }], ConsistentRead: true } },
      }),
    )
    .catch((error: unknown) => Promise.reject(checkpointError(error, table)));
  const [item] = Responses?.[table] ?? [];
  return item && toRow(item, table);
}

/** Writes the row unless there is one; either way that row is what is returned. */
async function create(table: Table & Clock, key: Key): Promise<Row | undefined> {
  const outcome = await writeRow(table, key, {
    set: { startedAt: table.now().getTime() },
    condition: is('startedAt', undefined),
  });
  return 'written' in outcome ? outcome.written : outcome.refused;
}
