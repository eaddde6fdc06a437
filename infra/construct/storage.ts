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

/** The bus and the stores: given by props, or created. */
export interface Storage {
  readonly eventBus: IEventBus;
  readonly busDeadLetterQueue: IQueue | undefined;
  readonly table: ITable;
  /** The key of the table; a `TableV2` does not expose its key. */
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
    // Not through the prop `encryption`: it refuses a key if the stack does not name its region.
    const resource = table.node.defaultChild as CfnGlobalTable;
    resource.addPropertyOverride('SSESpecification', { SSEEnabled: true, SSEType: 'KMS' });
    resource.addPropertyOverride('Replicas.0.SSESpecification', { KMSMasterKeyId: encryptionKey.keyArn });
  }
  return table;
}

/**
 * Creates the bus. With a key, the bus is encrypted, and a queue keeps the events that EventBridge cannot encrypt
 * because the policy of the key forbids it.
 *
 * That queue has a key of AWS, so that the same policy cannot refuse the events again:
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-event-bus-cmkey.html
 */
function createBus(
  scope: Construct,
  deployment: string,
  { encryptionKey, removalPolicy }: StorageOptions,
): Pick<Storage, 'eventBus' | 'busDeadLetterQueue'> {
  const description = "Events of BullMQ's queues";
  // The CDK would build the name from the id of the stack, which two apps may share, and not from its name.
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

/** A dead-letter queue for events that could not be published. */
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
    reason: 'This is a dead-letter queue; a function or the bus sends to it, so no redrive policy names it.',
  });
  return queue;
}

/** The bucket for fields that are too large for the bus. */
function createBucket(
  scope: Construct,
  { encryptionKey, removalPolicy, retention }: StorageOptions & { retention: Duration },
): Bucket {
  const bucket = new Bucket(scope, 'Payloads', {
    encryption: encryptionKey ? BucketEncryption.KMS : BucketEncryption.S3_MANAGED,
    encryptionKey,
    // Fewer calls of KMS.
    bucketKeyEnabled: encryptionKey && true,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    lifecycleRules: [{ expiration: retention, abortIncompleteMultipartUploadAfter: Duration.days(1) }],
    removalPolicy,
  });
  Validations.of(bucket).acknowledge({
    id: 'AwsSolutions-S1',
    reason: 'Only the functions of this construct write to it, and the owners of consumers decide who reads from it.',
  });
  return bucket;
}

/**
 * Lets CloudWatch encrypt the logs of this account with a key.
 *
 * It allows all log groups of the account, because the names of single groups are known only after the key is deployed.
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
