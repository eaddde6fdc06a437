import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { inject, onTestFinished } from 'vitest';
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
