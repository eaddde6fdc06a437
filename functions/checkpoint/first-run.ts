import { type AttributeValue, BatchGetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { checkFormat, FORMAT_VALUE } from './format.ts';
import type { LeaseTable } from './lease.ts';
import { checkpointError } from './table-error.ts';

/** The Redis and prefix that rows belong to. */
export interface Source {
  readonly sourceName: string;
  readonly prefix: string;
}

type Item = Record<string, AttributeValue>;

/**
 * The moment at which bullbridge first ran for a source, in milliseconds since the epoch; the first to ask makes it now.
 *
 * It is written before anything is read and never changes, so that what is older and what is newer stays the same for
 * every shard, after a crash, and for queues that appear later: these have nothing older.
 * @throws {CheckpointError} when the table is missing, denied or does not answer
 */
export async function firstRunOf(table: LeaseTable, { sourceName, prefix }: Source): Promise<number> {
  const key: Item = { pk: { S: `${sourceName}/${prefix}` }, sk: { S: 'start' } };
  // A row that was not found may be there: DynamoDB can leave a key unread, and another shard can write it meanwhile.
  const row = (await find(table, key)) ?? (await create(table, key));
  checkFormat(row, table.table);
  return Number(row['startedAt']?.N);
}

async function find({ client, table }: LeaseTable, key: Item): Promise<Item | undefined> {
  const { Responses } = await client
    .send(new BatchGetItemCommand({ RequestItems: { [table]: { Keys: [key], ConsistentRead: true } } }))
    .catch((error: unknown) => Promise.reject(checkpointError(error, table)));
  return Responses?.[table]?.[0];
}

/** Writes the row unless there is one; either way that row is what is returned. */
async function create({ client, table, now }: LeaseTable, key: Item): Promise<Item> {
  const { Attributes } = await client
    .send(
      new UpdateItemCommand({
        TableName: table,
        Key: key,
        UpdateExpression:
          'SET #format = if_not_exists(#format, :format), startedAt = if_not_exists(startedAt, :startedAt)',
        ExpressionAttributeNames: { '#format': 'format' },
        ExpressionAttributeValues: { ':format': FORMAT_VALUE, ':startedAt': { N: `${now().getTime()}` } },
        ReturnValues: 'ALL_NEW',
      }),
    )
    .catch((error: unknown) => Promise.reject(checkpointError(error, table)));
  return Attributes as Item;
}
