import { ConditionalCheckFailedException, type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { all, type Condition, createExpression, isAtMost } from './condition.ts';
import { FORMAT, type Row, toRow, type Value } from './row.ts';
import { checkpointError } from './table-error.ts';

/** The client of DynamoDB. */
export type TableClient = Pick<DynamoDBClient, 'send'>;

/** The checkpoint table: leases, positions and gaps. */
export interface Table {
  readonly client: TableClient;
  readonly table: string;
}

export interface Clock {
  readonly now: () => Date;
}

export interface Key {
  readonly pk: string;
  readonly sk: string;
}

/** A change of one row. */
export interface Change {
  readonly set?: Readonly<Record<string, Value>>;
  /** Numbers to add to attributes; a missing one is 0. */
  readonly add?: Readonly<Record<string, number>>;
  readonly remove?: readonly string[];
  readonly condition: Condition;
}

/** The row after the change, or the row that did not meet the condition; `undefined` if there is no row. */
export type Outcome = { readonly written: Row } | { readonly refused: Row | undefined };

/**
 * Changes a row that meets a condition, or creates it if the condition allows that.
 *
 * A write whose answer was lost is repeated, see {@link createPatientClient}. A write can recognise its own repetition
 * by the row in `refused`.
 * @throws {CheckpointError} when the table is missing, denied or does not answer, or when a newer version wrote the row
 */
export async function writeRow(
  { client, table }: Table,
  { pk, sk }: Key,
  { set = {}, add = {}, remove = [], condition }: Change,
): Promise<Outcome> {
  const expression = createExpression();
  const { name, value } = expression;
  const pairs = (entries: Readonly<Record<string, Value>>, link: string) =>
    Object.entries(entries).map(([attribute, given]) => `${name(attribute)}${link}${value(given)}`);
  const clauses = Object.entries({
    SET: pairs({ format: FORMAT, ...set }, ' = '),
    ADD: pairs(add, ' '),
    REMOVE: remove.map(name),
  });
  const command = new UpdateItemCommand({
    TableName: table,
    Key: { pk: { S: pk }, sk: { S: sk } },
    UpdateExpression: clauses
      .flatMap(([word, parts]) => (parts.length > 0 ? `${word} ${parts.join(', ')}` : []))
      .join(' '),
    ConditionExpression: all(isAtMost('format', FORMAT), condition)(expression).text,
    ExpressionAttributeNames: expression.names,
    ExpressionAttributeValues: expression.values,
    ReturnValues: 'ALL_NEW',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });
  try {
    const { Attributes = {} } = await client.send(command);
    return { written: toRow(Attributes, table) };
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw checkpointError(error, table);
    return { refused: error.Item && toRow(error.Item, table) };
  }
}
