import { Duration, Fn, RemovalPolicy, Stack, Token, Validations } from 'aws-cdk-lib';
import { AttributeType, type CfnGlobalTable, type ITable, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { EventBus, type IEventBus } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket } from 'aws-cdk-lib/aws-s3';
import { type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { BullbridgeProps } from './bullbridge-props.ts';
import { propOf } from './environment.ts';

/** What is kept, and where events go: given, or made. */
export interface Storage {
  readonly eventBus: IEventBus;
  readonly busDeadLetterQueue: IQueue | undefined;
  readonly table: ITable;
  /** The key of the table, which a table of its own does not expose. */
  readonly tableKey: IKey | undefined;
  readonly deadLetterQueue: IQueue;
  readonly payloadBucket: IBucket;
}

export function createStorage(scope: Construct, props: BullbridgeProps, deployment: string): Storage {
  const { encryptionKey, checkpointTable } = props;
  const options = { encryptionKey, removalPolicy: propOf(props, 'removalPolicy') };
  const bus = props.eventBus
    ? { eventBus: props.eventBus, busDeadLetterQueue: undefined }
    : createBus(scope, deployment, options);
  const retention = propOf(props, 'payloadRetention');
  if (encryptionKey) allowLogs(encryptionKey);
  return {
    ...bus,
    table: checkpointTable ?? createTable(scope, options),
    tableKey: checkpointTable ? checkpointTable.encryptionKey : encryptionKey,
    deadLetterQueue: props.deadLetterQueue ?? createQueue(scope, 'DeadLetterQueue', options),
    payloadBucket: props.payloadBucket ?? createBucket(scope, { ...options, retention }),
  };
}

interface StorageOptions {
  readonly encryptionKey: IKey | undefined;
  readonly removalPolicy: RemovalPolicy;
}

/** The table of positions, leases and gaps. */
function createTable(scope: Construct, { encryptionKey, removalPolicy }: StorageOptions): TableV2 {
  const table = new TableV2(scope, 'Checkpoints', {
    partitionKey: { name: 'pk', type: AttributeType.STRING },
    sortKey: { name: 'sk', type: AttributeType.STRING },
    timeToLiveAttribute: 'ttl',
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: removalPolicy !== RemovalPolicy.DESTROY,
    removalPolicy,
  });
  if (encryptionKey) {
    // Not by the prop `encryption`, which refuses a key in a stack that does not name its region.
    const resource = table.node.defaultChild as CfnGlobalTable;
    resource.addPropertyOverride('SSESpecification', { SSEEnabled: true, SSEType: 'KMS' });
    resource.addPropertyOverride('Replicas.0.SSESpecification', { KMSMasterKeyId: encryptionKey.keyArn });
  }
  return table;
}

/**
 * The bus, encrypted by a key where there is one; then with a queue of what the policy of the key does not let
 * EventBridge encrypt.
 *
 * That queue has a key of AWS: what one key refuses must not be refused again.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-event-bus-cmkey.html
 */
function createBus(
  scope: Construct,
  deployment: string,
  { encryptionKey, removalPolicy }: StorageOptions,
): Pick<Storage, 'eventBus' | 'busDeadLetterQueue'> {
  const description = "Events of BullMQ's queues";
  // The name that CDK makes has the id of the stack in it, which two apps may share, and not its name.
  const eventBusName = Token.isUnresolved(deployment)
    ? Fn.join('-', Fn.split('/', deployment))
    : deployment.replaceAll(/[^\w.-]/g, '-');
  if (encryptionKey === undefined) {
    return { eventBus: new EventBus(scope, 'EventBus', { eventBusName, description }), busDeadLetterQueue: undefined };
  }
  const deadLetterQueue = createQueue(scope, 'BusDeadLetters', { encryptionKey: undefined, removalPolicy });
  const eventBus = new EventBus(scope, 'EventBus', {
    eventBusName,
    description,
    kmsKey: encryptionKey,
    deadLetterQueue,
  });
  const { account } = Stack.of(scope);
  deadLetterQueue.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('events.amazonaws.com')],
      actions: ['sqs:SendMessage'],
      resources: [deadLetterQueue.queueArn],
      conditions: {
        StringEquals: { 'aws:SourceAccount': account },
        ArnEquals: { 'aws:SourceArn': eventBus.eventBusArn },
      },
    }),
  );
  return { eventBus, busDeadLetterQueue: deadLetterQueue };
}

/** A queue of events that could not be published. */
function createQueue(scope: Construct, id: string, { encryptionKey, removalPolicy }: StorageOptions): Queue {
  const queue = new Queue(scope, id, {
    encryption: encryptionKey ? QueueEncryption.KMS : QueueEncryption.SQS_MANAGED,
    encryptionMasterKey: encryptionKey,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
    removalPolicy,
  });
  Validations.of(queue).acknowledge({
    id: 'AwsSolutions-SQS3',
    reason: 'This is a dead-letter queue; the function or the bus sends to it, so no other queue or function names it.',
  });
  return queue;
}

/** The bucket of what is too large for the bus. */
function createBucket(
  scope: Construct,
  { encryptionKey, removalPolicy, retention }: StorageOptions & { retention: Duration },
): Bucket {
  const bucket = new Bucket(scope, 'Payloads', {
    encryption: encryptionKey ? BucketEncryption.KMS : BucketEncryption.S3_MANAGED,
    encryptionKey,
    // One call of KMS for many objects.
    bucketKeyEnabled: encryptionKey && true,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    lifecycleRules: [{ expiration: retention, abortIncompleteMultipartUploadAfter: Duration.days(1) }],
    removalPolicy,
  });
  Validations.of(bucket).acknowledge({
    id: 'AwsSolutions-S1',
    reason: 'Only the functions of this construct write to it; who reads is for the consumers of the events to say.',
  });
  return bucket;
}

/**
 * Lets CloudWatch encrypt the logs of this account with a key.
 *
 * Not of the log groups alone: their names are given at deployment, after the key they need.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
 */
function allowLogs(key: IKey): void {
  const { region, account, partition } = Stack.of(key);
  const groups = `arn:${partition}:logs:${region}:${account}:log-group:*`;
  key.addToResourcePolicy(
    new PolicyStatement({
      sid: 'EncryptLogs',
      principals: [new ServicePrincipal(`logs.${region}.amazonaws.com`)],
      actions: ['kms:Encrypt*', 'kms:Decrypt*', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:Describe*'],
      resources: ['*'],
      conditions: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': groups } },
    }),
  );
}
