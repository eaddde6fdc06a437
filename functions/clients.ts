import { setTimeout } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import { type BusWatch, watchBus } from './bus/bus-watch.ts';
import { createConcurrencyLimit } from './bus/concurrency.ts';
import { type DeadLetterOptions, type Park, parkIn } from './bus/dead-letters.ts';
import { checkEventBus } from './bus/eventbridge/check.ts';
import { leanPutEventsOf } from './bus/eventbridge/lean-sender.ts';
import { type EventBus, LIMITS } from './bus/eventbridge/port.ts';
import { putEventsOf } from './bus/eventbridge/sdk-sender.ts';
import { createClaimCheck } from './bus/oversize/claim-check.ts';
import { cutToFit, type MakeFit } from './bus/oversize/make-fit.ts';
import { putObjectIn } from './bus/oversize/payload-bucket.ts';
import { createPublisher, type Publish } from './bus/publish.ts';
import { type CheckpointMemory, createCheckpointMemory } from './checkpoint/memory.ts';
import type { TableClient } from './checkpoint/table.ts';
import { readRedisAccess } from './redis/access.ts';
import { connectRedis } from './redis/connect.ts';
import type { RedisConnection } from './redis/port.ts';
import type { Config } from './settings.ts';
import { createDiscovery, type Discover } from './stream/discovery.ts';

/**
 * PutEvents requests under way at most, within the SDK's 50 sockets; the bound falls by itself where the account's
 * limit is lower.
 */
const MAX_REQUESTS = 48;
/** Entries that are taken apart and stored in the payload bucket at once. */
const MAX_UPLOADS = 2;

/** No call may hang longer than a run can wait: a connection, then an answer, in milliseconds. */
const requestHandler = { connectionTimeout: 2000, requestTimeout: 5000, throwOnRequestTimeout: true };

/** What a run works with; time comes in with it, so that a test can move the clock. */
export interface Clients {
  readonly connectRedis: () => Promise<RedisConnection>;
  readonly publish: Publish;
  readonly dynamodb: TableClient;
  /** Name of the checkpoint table. */
  readonly table: string;
  readonly now: () => Date;
  readonly wait: (milliseconds: number, signal?: AbortSignal) => Promise<unknown>;
}

/** The clients of a function's container, made once and kept between invocations. */
export interface Container extends Clients {
  /** Begins to watch the bus of a run. @param signal ends the patience with a bus that does not answer */
  readonly watchBus: (signal: AbortSignal) => BusWatch;
  /** Knows the queues that earlier runs have found. */
  readonly discoverQueues: Discover;
  readonly checkpoints: CheckpointMemory;
  /** The dead-letter queue. */
  readonly deadLetters: DeadLetterOptions & { readonly client: SQSClient; readonly makeFit: MakeFit };
  /** A publisher that parks in another way. */
  readonly publishAndPark: (park: Park) => Publish;
}

/** @param warn hears of outages of the bus, when they begin and end */
export function createContainer(config: Config, warn: (message: string) => void): Container {
  const now = () => new Date();
  const wait = (milliseconds: number, signal?: AbortSignal) => setTimeout(milliseconds, undefined, { signal });
  const client = new EventBridgeClient({ maxAttempts: 1, cacheMiddleware: true, requestHandler });
  // It copies every entry of every request for a log that nobody keeps: a fortieth of a run's time.
  client.middlewareStack.remove('loggerMiddleware');
  const sqs = new SQSClient({ requestHandler });
  const secrets = new SecretsManagerClient({ requestHandler });
  const { EVENT_BUS_NAME: busName, DEAD_LETTER_QUEUE_URL: queueUrl, PAYLOAD_BUCKET: bucket } = config;
  const endpoint = config.AWS_ENDPOINT_URL_S3 ?? config.AWS_ENDPOINT_URL;
  const makeFit =
    bucket === undefined
      ? cutToFit
      : createClaimCheck({
          bucket,
          putObject: putObjectIn({ bucket, endpoint, identity: client.config, connection: client.config, now }),
          concurrency: createConcurrencyLimit(MAX_UPLOADS),
          wait,
          random: Math.random,
        });
  const deadLetters = { client: sqs, queueUrl, busName, makeFit };
  const bus: EventBus = {
    name: busName,
    limits: LIMITS,
    put:
      config.BULLBRIDGE_PUBLISHER === 'sdk'
        ? putEventsOf(client, busName)
        : leanPutEventsOf(client, { busName, now, connections: MAX_REQUESTS, ...requestHandler }),
    check: (signal) => checkEventBus(client, busName, { wait, signal, warn }),
  };
  const publishAndPark = (park: Park) =>
    createPublisher({
      bus,
      park,
      makeFit,
      concurrency: createConcurrencyLimit(MAX_REQUESTS),
      wait,
      warn,
      random: Math.random,
    });
  return {
    dynamodb: new DynamoDBClient({ maxAttempts: 1, requestHandler }),
    table: config.CHECKPOINT_TABLE,
    now,
    wait,
    publish: publishAndPark(parkIn(sqs, { ...deadLetters, now })),
    publishAndPark,
    deadLetters,
    connectRedis: async () => connectRedis(await readRedisAccess(config, { secrets, identity: client.config, now })),
    checkpoints: createCheckpointMemory(now),
    discoverQueues: createDiscovery(config.BULLBRIDGE_PREFIX),
    watchBus: (signal) => watchBus(() => bus.check(signal), now, warn),
  };
}
