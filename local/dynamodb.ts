import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { CreateTableCommand, DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { eventually, freePort, start, stop } from './process.ts';

/** A DynamoDB-compatible server that was started. */
export interface LocalDynamoDB extends AsyncDisposable {
  readonly url: string;
  /** Its name and version, for people. */
  readonly what: string;
}

const VERSION = '1.2.1';

/**
 * Starts dynoxide, which keeps its tables in memory: the binary from npm on Linux x64, or `npx` elsewhere.
 *
 * @throws {Error} with one sentence on how to get one
 */
export async function startDynamoDB(): Promise<LocalDynamoDB> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = ['--host', '127.0.0.1', '--port', `${port}`];
  const binary = findBinary();
  const child = binary ? start(binary, args) : start('npx', ['--yes', `dynoxide@${VERSION}`, ...args]);
  const client = localClient(url);
  try {
    await eventually(() => client.send(new ListTablesCommand({})), child, binary ? 10_000 : 60_000);
  } catch {
    await stop(child);
    throw new Error(
      `No DynamoDB-compatible server could be started: run \`npm ci\` again, or run \`npx dynoxide@${VERSION}\` to see why it fails.`,
    );
  } finally {
    client.destroy();
  }
  return { url, what: `dynoxide ${VERSION}`, [Symbol.asyncDispose]: () => stop(child) };
}

function findBinary(): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve('@dynoxide/linux-x64/package.json');
    return join(dirname(manifest), 'dynoxide');
  } catch {
    return undefined;
  }
}

/** A client of a local server; the credentials are made up, because the server does not check them. */
export function localClient(endpoint: string): DynamoDBClient {
  return new DynamoDBClient({
    endpoint,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  });
}

/** Creates a checkpoint table like the construct. */
export async function createTable(client: DynamoDBClient, name: string): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['pk', 'sk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' as const })),
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  );
}
