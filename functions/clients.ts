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
 * Most PutEvents requests at the same time, within the 50 sockets of the SDK; the limit adapts by itself if the quota
 * of the account is lower.
 */
const MAX_REQUESTS = 48;
/** Most entries at the same time that are taken apart and stored in the payload bucket. */
const MAX_UPLOADS = 2;

/** Timeouts in milliseconds, so that no call hangs longer than a run can wait. */
const requestHandler = { connectionTimeout: 2000, requestTimeout: 5000, throwOnRequestTimeout: true };

/** The clients of a run. They include the clock, so that a test can move it. */
export interface Clients {
  readonly connectRedis: () => Promise<RedisConnection>;
  readonly publish: Publish;
  readonly dynamodb: TableClient;
  /** Name of the checkpoint table. */
  readonly table: string;
  readonly now: () => Date;
  readonly wait: (milliseconds: number, signal?: AbortSignal) => Promise<unknown>;
}

/** The clients of a container, created once and kept between invocations. */
export interface Container extends Clients {
  /** Begins to watch the bus of a run. @param signal ends the waiting for a bus that does not answer */
  readonly watchBus: (signal: AbortSignal) => BusWatch;
  /** Finds queues; keeps the queues that earlier runs have found. */
  readonly discoverQueues: Discover;
  readonly checkpoints: CheckpointMemory;
  /** The dead-letter queue. */
  readonly deadLetters: DeadLetterOptions & { readonly client: SQSClient; readonly makeFit: MakeFit };
  /** A publisher with another function that parks entries. */
  readonly publishAndPark: (park: Park) => Publish;
}

/** @param warn is called when an outage of the bus begins or ends */
export function createContainer(config: Config, warn: (message: string) => void): Container {
  const now = () => new Date();
  const wait = (milliseconds: number, signal?: AbortSignal) => setTimeout(milliseconds, undefined, { signal });
  const client = new EventBridgeClient({ maxAttempts: 1, cacheMiddleware: true, requestHandler });
  // The middleware copies every entry of every request for a log that is not used: 2.5 % of the time of a run.
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
