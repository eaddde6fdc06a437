import { Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { AttributeType, type CfnGlobalTable, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

interface StorageOptions {
  readonly encryptionKey: IKey | undefined;
  readonly removalPolicy: RemovalPolicy;
}

/** The table of positions, leases and gaps. */
export function createTable(scope: Construct, { encryptionKey, removalPolicy }: StorageOptions): TableV2 {
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

/** The queue of events that the bus refused. */
export function createDeadLetterQueue(scope: Construct, { encryptionKey, removalPolicy }: StorageOptions): Queue {
  const queue = new Queue(scope, 'DeadLetterQueue', {
    encryption: encryptionKey ? QueueEncryption.KMS : QueueEncryption.SQS_MANAGED,
    encryptionMasterKey: encryptionKey,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
    removalPolicy,
  });
  Validations.of(queue).acknowledge({
    id: 'AwsSolutions-SQS3',
    reason: 'This is a dead-letter queue; the function itself sends to it, so no other queue or function names it.',
  });
  return queue;
}

/** The bucket of what is too large for the bus. */
export function createBucket(
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
export function allowLogs(key: IKey): void {
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
