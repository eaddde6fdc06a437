import { randomUUID } from 'node:crypto';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import { CreateTableCommand } from '@aws-sdk/client-dynamodb';
import { dynamoClient } from '../dynamodb.ts';

/** A table of the events that were handled. */
export async function idempotencyTable(): Promise<DynamoDBPersistenceLayer> {
  const client = dynamoClient();
  const tableName = `idempotency-${randomUUID()}`;
  await client.send(
    new CreateTableCommand({
      TableName: tableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    }),
  );
  return new DynamoDBPersistenceLayer({ tableName, awsSdkV3Client: client });
}
