import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { inject, onTestFinished } from 'vitest';
import { localClient } from '../local/dynamodb.ts';
import { type LocalStack, startStack } from '../local/stack.ts';
import { ownPrefix } from './redis.ts';

export interface TestStack extends LocalStack {
  readonly redisUrl: string;
  readonly prefix: string;
  /** What the function printed, line by line. */
  readonly log: readonly string[];
  /** Lets a lease expire at once, as if the time of a run that died had passed. @default that of the one shard */
  expireLease(name?: string): Promise<void>;
}

/** The built function on the shared Redis, with a prefix, a table and a bus of its own. */
export async function testStack(
  environment: Readonly<Record<string, string>> = {},
  secrets: Readonly<Record<string, string>> = {},
): Promise<TestStack> {
  const prefix = ownPrefix();
  const log: string[] = [];
  const stack = await startStack({
    redisUrl: inject('redisUrl'),
    dynamoUrl: inject('dynamoUrl'),
    // A run ends when it has caught up, unless its test is about more.
    environment: { BULLBRIDGE_PREFIX: prefix, BULLBRIDGE_TAIL: 'never', ...environment },
    onLog: (line) => log.push(line),
    secrets,
  });
  onTestFinished(() => stack[Symbol.asyncDispose]());
  const client = localClient(stack.tableUrl);
  onTestFinished(() => client.destroy());
  const expireLease = async (name = 'shard/0/1') => {
    await client.send(
      new UpdateItemCommand({
        TableName: stack.table,
        Key: { pk: { S: `default/${prefix}/${name}` }, sk: { S: 'lease' } },
        UpdateExpression: 'SET expiresAt = :zero',
        ExpressionAttributeValues: { ':zero': { N: '0' } },
      }),
    );
  };
  return { ...stack, redisUrl: inject('redisUrl'), prefix, log, expireLease };
}
