import { BatchGetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { checkFormat, FORMAT_VALUE } from './format.ts';
import type { LeaseTable } from './lease.ts';
import { checkpointError } from './table-error.ts';

/** The Redis and prefix that rows belong to. */
export interface Source {
  readonly sourceName: string;
  readonly prefix: string;
}

/**
 * Whether an earlier run has seen every queue of a source: a queue without a position is then a new one, and all that its stream
 * ever received is wanted.
 *
 * @throws {CheckpointError} when the table is missing, denied or does not answer, or when a newer version wrote the row
 */
export async function wasSeenWhole({ client, table }: LeaseTable, source: Source): Promise<boolean> {
  const request = new BatchGetItemCommand({
    RequestItems: { [table]: { Keys: [keyOf(source)], ConsistentRead: true } },
  });
  const { Responses } = await client
    .send(request)
    .catch((error: unknown) => Promise.reject(checkpointError(error, table)));
  const [row] = Responses?.[table] ?? [];
  if (row) checkFormat(row, table);
  return row !== undefined;
}

/**
 * Notes that every queue of a source was seen, and has a position.
 *
 * @throws {CheckpointError} as {@link wasSeenWhole}
 */
export async function markSeenWhole({ client, table, now }: LeaseTable, source: Source): Promise<void> {
  await client
    .send(
      new UpdateItemCommand({
        TableName: table,
        Key: keyOf(source),
        UpdateExpression:
          'SET #format = if_not_exists(#format, :format), startedAt = if_not_exists(startedAt, :startedAt)',
        ExpressionAttributeNames: { '#format': 'format' },
        ExpressionAttributeValues: { ':format': FORMAT_VALUE, ':startedAt': { N: `${now().getTime()}` } },
      }),
    )
    .catch((error: unknown) => Promise.reject(checkpointError(error, table)));
}

function keyOf({ sourceName, prefix }: Source) {
  return { pk: { S: `${sourceName}/${prefix}` }, sk: { S: 'start' } };
}
