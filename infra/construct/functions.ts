import { Duration } from 'aws-cdk-lib';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { BullbridgeProps } from './bullbridge-props.ts';
import { BundledFunction } from './bundled-function.ts';
import { propOf, settingsOf } from './environment.ts';
import { acknowledgeObjects, allow, allowKey, allowPut, keysOf } from './permissions.ts';
import { RedisAccess } from './redis-access.ts';
import { ScheduledFunction } from './scheduled-function.ts';
import type { Storage } from './storage.ts';

/**
 * Time that a run has beyond the interval: up to a minute until EventBridge Scheduler starts the next run, and the rest
 * to end in order.
 *
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
 */
const TIMEOUT_MARGIN = Duration.seconds(75);
/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAX_TIMEOUT = Duration.minutes(15);

interface Functions {
  readonly forward: LambdaFunction;
  readonly reconcile: LambdaFunction;
  readonly redrive: LambdaFunction;
}

/** Creates the functions and their schedules; each function may do exactly what it calls. */
export function createFunctions(
  scope: Construct,
  props: BullbridgeProps,
  storage: Storage,
  deployment: string,
): Functions {
  const [interval, reconcileInterval] = [propOf(props, 'interval'), propOf(props, 'reconcileInterval')];
  const [shards, enabled] = [propOf(props, 'shards'), propOf(props, 'enabled')];
  const { vpc, vpcSubnets, securityGroups, encryptionKey, logRetention, tracing } = props;
  const access = RedisAccess._accessOf(props.redis);
  const shared = {
    environment: {
      ...access.environment,
      // The ARN also works for a bus of another account.
      EVENT_BUS_NAME: storage.eventBus.eventBusArn,
      CHECKPOINT_TABLE: storage.table.tableName,
      DEAD_LETTER_QUEUE_URL: storage.deadLetterQueue.queueUrl,
      PAYLOAD_BUCKET: storage.payloadBucket.bucketName,
      BULLBRIDGE_DEPLOYMENT: deployment,
      BULLBRIDGE_INTERVAL_SECONDS: `${interval.toSeconds()}`,
      ...settingsOf(props),
    },
    memorySize: propOf(props, 'memorySize'),
    logRetention,
    encryptionKey,
    tracing,
  };
  const { function: forward } = new ScheduledFunction(scope, 'Forward', {
    ...shared,
    name: 'forward',
    description: 'Forwards BullMQ events to EventBridge',
    interval,
    enabled,
    timeout: interval.plus(TIMEOUT_MARGIN),
    payloads: Array.from({ length: shards }, (_, index) => ({ shard: { index, count: shards } })),
    reservedConcurrentExecutions: props.reservedConcurrentExecutions,
    vpc,
    vpcSubnets,
    securityGroups,
  });
  // The same groups for all functions, so that Redis has to let in only one group.
  const network = vpc && { vpc, vpcSubnets, securityGroups: forward.connections.securityGroups };
  const { function: reconcile } = new ScheduledFunction(scope, 'Reconcile', {
    ...shared,
    ...network,
    name: 'reconcile',
    description: 'Recovers BullMQ events that were lost',
    interval: reconcileInterval,
    enabled,
    timeout: reconcileInterval.toSeconds() < MAX_TIMEOUT.toSeconds() ? reconcileInterval : MAX_TIMEOUT,
    payloads: [{}],
  });
  const { function: redrive } = new BundledFunction(scope, 'Redrive', {
    ...shared,
    ...(props.redriveInVpc && network),
    name: 'redrive',
    description: 'Sends dead letters with BullMQ events to EventBridge again',
    timeout: MAX_TIMEOUT,
  });

  allowPositions(forward, storage, 'dynamodb:BatchGetItem', 'dynamodb:UpdateItem');
  allowPositions(reconcile, storage, 'dynamodb:BatchGetItem', 'dynamodb:Query', 'dynamodb:UpdateItem');
  for (const reader of [forward, reconcile]) access.allow(reader);
  const keys = keysOf(propOf(props, 'sourceName'), propOf(props, 'prefix'));
  for (const publisher of [forward, reconcile, redrive]) allowPublish(publisher, storage);
  for (const publisher of [forward, reconcile]) allowPayloads(publisher, storage, keys);
  const queueActions = ['ReceiveMessage', 'DeleteMessage', 'ChangeMessageVisibility', 'GetQueueAttributes'];
  allow(redrive, storage.deadLetterQueue.queueArn, ...queueActions.map((action) => `sqs:${action}`));
  return { forward, reconcile, redrive };
}

function allowPositions(grantee: LambdaFunction, { table, tableKey }: Storage, ...actions: string[]): void {
  allow(grantee, table.tableArn, ...actions);
  // https://docs.aws.amazon.com/kms/latest/developerguide/services-dynamodb.html
  allowKey(grantee, tableKey, 'dynamodb', 'Decrypt');
}

function allowPublish(grantee: LambdaFunction, { eventBus, deadLetterQueue }: Storage): void {
  allow(grantee, eventBus.eventBusArn, 'events:DescribeEventBus');
  allowPut(grantee, eventBus);
  allow(grantee, deadLetterQueue.queueArn, 'sqs:SendMessage');
  // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
  allowKey(grantee, deadLetterQueue.encryptionMasterKey, 'sqs', 'GenerateDataKey', 'Decrypt');
}

function allowPayloads(grantee: LambdaFunction, { payloadBucket }: Storage, keys: string): void {
  allow(grantee, payloadBucket.arnForObjects(keys), 's3:PutObject');
  allowKey(grantee, payloadBucket.encryptionKey, 's3', 'GenerateDataKey');
  acknowledgeObjects(payloadBucket, keys, grantee.role ?? grantee);
}
