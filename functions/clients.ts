import { setTimeout } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { createConcurrencyLimit } from './bus/concurrency.ts';
import { parkIn } from './bus/dead-letters.ts';
import { checkEventBus, putEventsOf } from './bus/event-bus.ts';
import { createPublisher, type Publish } from './bus/publish.ts';
import type { Config } from './config.ts';
import { readRedisUrl } from './redis-url.ts';
import { connectRedis, type RedisConnection } from './stream/connection.ts';

/** PutEvents requests under way at most; the bound falls by itself where the account's limit is lower. */
const MAX_REQUESTS = 16;

/** No call may hang longer than a run can wait: a connection, then an answer, in milliseconds. */
const requestHandler = { connectionTimeout: 2000, requestTimeout: 5000, throwOnRequestTimeout: true };

/** What a run works with; time comes in with it, so that a test can move the clock. */
export interface Clients {
  readonly connectRedis: () => Promise<RedisConnection>;
  readonly publish: Publish;
  readonly dynamodb: DynamoDBClient;
  /** Name of the checkpoint table. */
  readonly table: string;
  readonly now: () => Date;
  readonly wait: (milliseconds: number, signal?: AbortSignal) => Promise<unknown>;
}

/** The clients of a function's container, made once and kept between invocations. */
export interface Container extends Clients {
  /** Makes sure that the bus exists; see {@link checkEventBus}. */
  readonly checkBus: () => Promise<string | undefined>;
}

export function createContainer(config: Config): Container {
  const now = () => new Date();
  const wait = (milliseconds: number, signal?: AbortSignal) => setTimeout(milliseconds, undefined, { signal });
  const bus = new EventBridgeClient({ maxAttempts: 1, cacheMiddleware: true, requestHandler });
  // It copies every entry of every request for a log that nobody keeps: a fortieth of a run's time.
  bus.middlewareStack.remove('loggerMiddleware');
  const deadLetters = new SQSClient({ requestHandler });
  const secrets = new SecretsManagerClient({ requestHandler });
  const { EVENT_BUS_NAME: busName, DEAD_LETTER_QUEUE_URL: queueUrl } = config;
  return {
    dynamodb: new DynamoDBClient({ maxAttempts: 5, requestHandler }),
    table: config.CHECKPOINT_TABLE,
    now,
    wait,
    publish: createPublisher({
      putEvents: putEventsOf(bus, busName),
      park: parkIn(deadLetters, { queueUrl, busName, now }),
      concurrency: createConcurrencyLimit(MAX_REQUESTS),
      wait,
      random: Math.random,
    }),
    connectRedis: async () => connectRedis({ url: await readRedisUrl(config, secrets) }),
    checkBus: () => checkEventBus(bus, busName),
  };
}
