import type { TestProject } from 'vitest/node';
import { buildFunctions } from '../infra/build/functions.ts';
import { startDynamoDB } from '../local/dynamodb.ts';
import { startRedis } from '../local/redis.ts';
import { describeNeed, missing } from './needs.ts';
import { useOwnTemporaryFolder } from './temporary-folder.ts';

declare module 'vitest' {
  interface ProvidedContext {
    redisUrl: string;
    dynamoUrl: string;
    /** Tests of LocalStack have none. */
    temporaryFolder?: string;
  }
}

/** Starts what every test file shares; each takes keys and tables of its own. */
export default async function setup(project: TestProject) {
  if (process.env['CI'] && missing().length > 0) {
    throw new Error(`On CI no test may be skipped. Missing: ${missing().map(describeNeed).join('; ')}.`);
  }
  // Of the signals that end a run, vitest does not know this one: a terminal that is closed.
  process.once('SIGHUP', () => process.exit(129));
  project.provide('temporaryFolder', useOwnTemporaryFolder());
  const redis = await startRedis({ url: process.env['REDIS_URL'] });
  const dynamodb = await startDynamoDB();
  console.log(`Redis: ${redis.what} at ${redis.url}\nDynamoDB: ${dynamodb.what} at ${dynamodb.url}`);
  project.provide('redisUrl', redis.url);
  project.provide('dynamoUrl', dynamodb.url);
  await buildFunctions();
  return async () => {
    await redis[Symbol.asyncDispose]();
    await dynamodb[Symbol.asyncDispose]();
  };
}
