import { type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { inject, onTestFinished } from 'vitest';
import type { Table } from '../functions/checkpoint/table.ts';
import { createTable, localClient } from '../local/dynamodb.ts';

let tables = 0;

/** A client, closed when the test ends. */
export function dynamoClient(): DynamoDBClient {
  const client = localClient(inject('dynamoUrl'));
  onTestFinished(() => client.destroy());
  return client;
}

/** A checkpoint table that no other test has. */
export async function ownTable(client: DynamoDBClient): Promise<string> {
  tables += 1;
  const name = `test-${process.pid}-${Date.now().toString(36)}-${tables}`;
  await createTable(client, name);
  return name;
}

/** Makes a row one of another format, as another version would have written it. */
export async function setFormat({ client, table }: Table, pk: string, sk: string, format: number): Promise<void> {
  await client.send(
    new UpdateItemCommand({
      TableName: table,
      Key: { pk: { S: pk }, sk: { S: sk } },
      UpdateExpression: 'SET #format = :format',
      ExpressionAttributeNames: { '#format': 'format' },
      ExpressionAttributeValues: { ':format': { N: `${format}` } },
    }),
  );
}
