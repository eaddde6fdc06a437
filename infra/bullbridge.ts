import { Duration, RemovalPolicy, type Stack, Validations } from 'aws-cdk-lib';
import { AttributeType, type ITableV2, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { EventBus, type IEventBus } from 'aws-cdk-lib/aws-events';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { ViaServicePrincipal } from 'aws-cdk-lib/aws-kms';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket } from 'aws-cdk-lib/aws-s3';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { Alarms } from './alarms.ts';
import type { BullbridgeProps } from './bullbridge-props.ts';
import { BundledFunction } from './bundled-function.ts';
import { createDashboard } from './dashboard.ts';
import { settingsOf } from './environment.ts';
import { Measured } from './metrics.ts';
import { ScheduledFunction } from './scheduled-function.ts';

export type { BullbridgeProps } from './bullbridge-props.ts';

/** Time that a run has beyond the interval: to wait for the lease of the run before it, and to end in order. */
const TIMEOUT_MARGIN = Duration.seconds(15);
/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAX_TIMEOUT = Duration.minutes(15);

/**
 * Forwards the events of BullMQ's queues in one Redis to an EventBridge bus, at least once.
 *
 * @example
 * const bullbridge = new Bullbridge(this, 'Bullbridge', {
 *   redisUrlSecret: Secret.fromSecretNameV2(this, 'RedisUrl', 'bullbridge/redis-url'),
 * });
 * new Rule(this, 'FailedJobs', {
 *   eventBus: bullbridge.eventBus,
 *   eventPattern: { source: ['bullmq'], detailType: ['Job Failed'] },
 *   targets: [new LambdaFunction(alert)],
 * });
 */
export class Bullbridge extends Measured {
  /** The bus that events are published to. */
  readonly eventBus: IEventBus;
  /** Positions, leases and gaps. */
  readonly table: ITableV2;
  /** Events that the bus refused, each with the reason. */
  readonly deadLetterQueue: IQueue;
  /** The function that runs at each tick of the schedule. */
  readonly forwardFunction: LambdaFunction;
  /** The function that recovers lost events; it can be invoked at any time, too. */
  readonly reconcileFunction: LambdaFunction;
  /** The function that sends parked events again, when it is invoked. */
  readonly redriveFunction: LambdaFunction;
  /** What is too large for EventBridge. */
  readonly payloadBucket: IBucket;

  constructor(scope: Construct, id: string, props: BullbridgeProps) {
    super(scope, id, props);
    const { redisUrlSecret, removalPolicy = RemovalPolicy.RETAIN } = props;
    const { interval = Duration.minutes(1), reconcileInterval = Duration.minutes(5) } = props;
    checkMinutes('interval', interval, 14, 'a Lambda run ends after 15');
    checkMinutes('reconcileInterval', reconcileInterval, 24 * 60, 'jobs are kept for a time only');

    this.eventBus = props.eventBus ?? new EventBus(this, 'EventBus', { description: "Events of BullMQ's queues" });
    this.table = new TableV2(this, 'Checkpoints', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      timeToLiveAttribute: 'ttl',
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: removalPolicy !== RemovalPolicy.DESTROY,
      removalPolicy,
    });
    this.deadLetterQueue = new Queue(this, 'DeadLetterQueue', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      removalPolicy,
    });
    Validations.of(this.deadLetterQueue).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason: 'This is a dead-letter queue; the function itself sends to it, so no other queue or function names it.',
    });

    this.payloadBucket = props.payloadBucket ?? createBucket(this, props.payloadRetention, removalPolicy);

    const shared = {
      environment: {
        REDIS_URL_SECRET_ARN: redisUrlSecret.secretArn,
        // By its ARN, a bus of another account is found too.
        EVENT_BUS_NAME: this.eventBus.eventBusArn,
        CHECKPOINT_TABLE: this.table.tableName,
        DEAD_LETTER_QUEUE_URL: this.deadLetterQueue.queueUrl,
        PAYLOAD_BUCKET: this.payloadBucket.bucketName,
        BULLBRIDGE_INTERVAL_SECONDS: `${interval.toSeconds()}`,
        ...settingsOf(props),
      },
      memorySize: props.memorySize,
      logRetention: props.logRetention,
      vpc: props.vpc,
      vpcSubnets: props.vpcSubnets,
    };
    const forward = new ScheduledFunction(this, 'Forward', {
      ...shared,
      name: 'forward',
      description: 'Forwards BullMQ events to EventBridge',
      interval,
      timeout: interval.plus(TIMEOUT_MARGIN),
      payload: { shard: { index: 0, count: 1 } },
      securityGroups: props.securityGroups,
    });
    this.forwardFunction = forward.function;
    this.allowRead(this.forwardFunction, redisUrlSecret, 'dynamodb:BatchGetItem', 'dynamodb:UpdateItem');
    this.allowPublish(this.forwardFunction);

    const reconcile = new ScheduledFunction(this, 'Reconcile', {
      ...shared,
      name: 'reconcile',
      description: 'Recovers BullMQ events that were lost',
      interval: reconcileInterval,
      timeout: shorter(reconcileInterval, MAX_TIMEOUT),
      payload: {},
      // The same ones, so that Redis has to let in one group only.
      securityGroups: props.vpc && this.forwardFunction.connections.securityGroups,
    });
    this.reconcileFunction = reconcile.function;
    this.allowRead(this.reconcileFunction, redisUrlSecret, 'dynamodb:Query', 'dynamodb:UpdateItem');
    this.allowPublish(this.reconcileFunction);

    const redrive = new BundledFunction(this, 'Redrive', {
      ...shared,
      name: 'redrive',
      description: 'Sends parked BullMQ events to EventBridge again',
      timeout: MAX_TIMEOUT,
      // It has no need of Redis, so none of the network.
      vpc: undefined,
      vpcSubnets: undefined,
    });
    this.redriveFunction = redrive.function;
    this.allowPublish(this.redriveFunction);
    const queueActions = ['ReceiveMessage', 'DeleteMessage', 'ChangeMessageVisibility', 'GetQueueAttributes'];
    allow(this.redriveFunction, this.deadLetterQueue.queueArn, ...queueActions.map((action) => `sqs:${action}`));

    const watched = { bullbridge: this, interval, reconcileInterval, action: props.alarmAction };
    const alarms = props.alarms === false ? [] : new Alarms(this, 'Alarms', watched).alarms;
    if (props.dashboard !== false) createDashboard(this, 'Dashboard', { ...watched, alarms });
  }

  private allowPublish(grantee: LambdaFunction): void {
    const { eventBus, deadLetterQueue, payloadBucket } = this;
    allow(grantee, eventBus.eventBusArn, 'events:PutEvents', 'events:DescribeEventBus');
    allow(grantee, deadLetterQueue.queueArn, 'sqs:SendMessage');
    allow(grantee, payloadBucket.arnForObjects('*'), 's3:PutObject');
    payloadBucket.encryptionKey?.grant(
      new ViaServicePrincipal(`s3.${payloadBucket.stack.region}.amazonaws.com`, grantee.grantPrincipal),
      'kms:GenerateDataKey',
    );
    Validations.of(grantee.role ?? grantee).acknowledge({
      id: `AwsSolutions-IAM5[Resource::${nameOf(payloadBucket.arnForObjects('*'), payloadBucket.stack)}]`,
      reason: 'Each object has a key of its own, the id of an event.',
    });
  }

  private allowRead(grantee: LambdaFunction, redisUrlSecret: ISecret, ...tableActions: string[]): void {
    allow(grantee, this.table.tableArn, ...tableActions);
    // Secrets Manager ends an ARN with a dash and six random characters, which a secret known by its name lacks.
    allow(
      grantee,
      redisUrlSecret.secretFullArn ?? `${redisUrlSecret.secretArn}-??????`,
      'secretsmanager:GetSecretValue',
    );
    allowDecrypt(redisUrlSecret, grantee);
  }
}

/** Exactly what a function calls: `grantRead`, `sendMessages` and their like would allow more. */
function allow(grantee: LambdaFunction, resource: string, ...actions: string[]): void {
  grantee.addToRolePolicy(new PolicyStatement({ actions, resources: [resource] }));
}

/** An ARN as cdk-nag writes it, with the names of what is not known yet. */
function nameOf(arn: string, stack: Stack): string {
  const resolved = stack.resolve(arn);
  if (typeof resolved === 'string') return resolved;
  const parts: (string | { Ref?: string; 'Fn::GetAtt'?: string[] })[] = resolved['Fn::Join'][1];
  const names = parts.map((part) =>
    typeof part === 'string' ? part : `<${part.Ref ?? part['Fn::GetAtt']?.join('.')}>`,
  );
  return names.join('');
}

function createBucket(scope: Construct, retention = Duration.days(30), removalPolicy: RemovalPolicy): Bucket {
  const bucket = new Bucket(scope, 'Payloads', {
    encryption: BucketEncryption.S3_MANAGED,
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

/** A secret with a key of its own: the function may use the key through Secrets Manager. */
function allowDecrypt({ encryptionKey, stack }: ISecret, grantee: LambdaFunction): void {
  encryptionKey?.grantDecrypt(
    new ViaServicePrincipal(`secretsmanager.${stack.region}.amazonaws.com`, grantee.grantPrincipal),
  );
}

function shorter(a: Duration, b: Duration): Duration {
  return a.toSeconds() < b.toSeconds() ? a : b;
}

function checkMinutes(prop: string, interval: Duration, most: number, reason: string): void {
  if (interval.isUnresolved()) throw new Error(`${prop} must be known at synthesis, got a token`);
  const minutes = interval.toMinutes({ integral: false });
  if (Number.isInteger(minutes) && minutes >= 1 && minutes <= most) return;
  const reasons = `EventBridge Scheduler counts in minutes, and ${reason}`;
  throw new Error(`${prop} must be 1 to ${most} whole minutes (${reasons}), got ${interval.toHumanString()}`);
}
