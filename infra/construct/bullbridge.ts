import { Duration } from 'aws-cdk-lib';
import type { ITableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { EventBus, type IEventBus, Rule } from 'aws-cdk-lib/aws-events';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { Alarms } from './alarms.ts';
import type { BullbridgeProps } from './bullbridge-props.ts';
import { BundledFunction } from './bundled-function.ts';
import { createDashboard } from './dashboard.ts';
import { propOf, settingsOf } from './environment.ts';
import { Measured } from './metrics.ts';
import { checkNetwork, createEndpoints, letIn } from './network.ts';
import { acknowledgeObjects, allow, allowKey } from './permissions.ts';
import { lossPatternOf, type OnEventOptions, type OnLossOptions, type Origin, patternOf } from './rules.ts';
import { ScheduledFunction } from './scheduled-function.ts';
import { allowLogs, createBucket, createDeadLetterQueue, createTable } from './storage.ts';

export type { BullbridgeProps } from './bullbridge-props.ts';

/**
 * Time that a run has beyond the interval: until its successor starts, which EventBridge Scheduler does within a minute, and to end in order.
 *
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
 */
const TIMEOUT_MARGIN = Duration.seconds(75);
/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAX_TIMEOUT = Duration.minutes(15);

/**
 * Forwards the events of BullMQ's queues in one Redis to an EventBridge bus, at least once.
 *
 * @example
 * const bullbridge = new Bullbridge(this, 'Bullbridge', {
 *   redis: RedisAccess.fromUrlSecret(Secret.fromSecretNameV2(this, 'RedisUrl', 'bullbridge/redis-url')),
 * });
 * bullbridge.onEvent('FailedPayments', { queue: 'payments', event: 'failed', target: new LambdaFunction(alert) });
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

  private readonly origin: Origin;

  constructor(scope: Construct, id: string, props: BullbridgeProps) {
    super(scope, id, props);
    const { prefix, sourceName, queues, events } = props;
    this.origin = { prefix, sourceName, queues, events };
    const { redis, encryptionKey } = props;
    const settings = settingsOf(props);
    const [interval, reconcileInterval] = [propOf(props, 'interval'), propOf(props, 'reconcileInterval')];
    const shards = propOf(props, 'shards');
    checkNetwork(props);

    this.eventBus = props.eventBus ?? new EventBus(this, 'EventBus', { description: "Events of BullMQ's queues" });
    const storage = { encryptionKey, removalPolicy: propOf(props, 'removalPolicy') };
    this.table = createTable(this, storage);
    this.deadLetterQueue = createDeadLetterQueue(this, storage);
    this.payloadBucket =
      props.payloadBucket ?? createBucket(this, { ...storage, retention: propOf(props, 'payloadRetention') });
    if (encryptionKey) allowLogs(encryptionKey);

    const shared = {
      environment: {
        ...redis._access.environment,
        // By its ARN, a bus of another account is found too.
        EVENT_BUS_NAME: this.eventBus.eventBusArn,
        CHECKPOINT_TABLE: this.table.tableName,
        DEAD_LETTER_QUEUE_URL: this.deadLetterQueue.queueUrl,
        PAYLOAD_BUCKET: this.payloadBucket.bucketName,
        BULLBRIDGE_DEPLOYMENT: this.deployment,
        BULLBRIDGE_INTERVAL_SECONDS: `${interval.toSeconds()}`,
        ...settings,
      },
      memorySize: propOf(props, 'memorySize'),
      logRetention: props.logRetention,
      encryptionKey,
      tracing: props.tracing,
    };
    const forward = new ScheduledFunction(this, 'Forward', {
      ...shared,
      name: 'forward',
      description: 'Forwards BullMQ events to EventBridge',
      interval,
      timeout: interval.plus(TIMEOUT_MARGIN),
      payloads: Array.from({ length: shards }, (_, index) => ({ shard: { index, count: shards } })),
      vpc: props.vpc,
      vpcSubnets: props.vpcSubnets,
      securityGroups: props.securityGroups,
    });
    this.forwardFunction = forward.function;
    this.allowRead(this.forwardFunction, props, 'dynamodb:BatchGetItem', 'dynamodb:UpdateItem');
    this.allowPublish(this.forwardFunction);

    const reconcile = new ScheduledFunction(this, 'Reconcile', {
      ...shared,
      name: 'reconcile',
      description: 'Recovers BullMQ events that were lost',
      interval: reconcileInterval,
      timeout: shorter(reconcileInterval, MAX_TIMEOUT),
      payloads: [{}],
      vpc: props.vpc,
      vpcSubnets: props.vpcSubnets,
      // The same ones, so that Redis has to let in one group only.
      securityGroups: props.vpc && this.forwardFunction.connections.securityGroups,
    });
    this.reconcileFunction = reconcile.function;
    this.allowRead(this.reconcileFunction, props, 'dynamodb:Query', 'dynamodb:UpdateItem');
    this.allowPublish(this.reconcileFunction);

    const redrive = new BundledFunction(this, 'Redrive', {
      ...shared,
      name: 'redrive',
      description: 'Sends parked BullMQ events to EventBridge again',
      timeout: MAX_TIMEOUT,
      // It has no need of Redis, so none of the network.
    });
    this.redriveFunction = redrive.function;
    this.allowPublish(this.redriveFunction);
    const queueActions = ['ReceiveMessage', 'DeleteMessage', 'ChangeMessageVisibility', 'GetQueueAttributes'];
    allow(this.redriveFunction, this.deadLetterQueue.queueArn, ...queueActions.map((action) => `sqs:${action}`));

    createEndpoints(this, props);
    if (props.vpc) letIn(this.forwardFunction.connections.securityGroups, redis);

    const options = { watched: this, interval, reconcileInterval, action: props.alarmAction };
    const alarms = !propOf(props, 'alarms') ? [] : new Alarms(this, 'Alarms', options).alarms;
    if (propOf(props, 'dashboard')) createDashboard(this, 'Dashboard', { ...options, alarms });
  }

  /**
   * Makes a rule on the bus for events of BullMQ, of this Redis only.
   *
   * @throws Error at synthesis for a queue or an event that is not forwarded
   */
  onEvent(id: string, { target, description, ...events }: OnEventOptions): Rule {
    const eventPattern = patternOf(this.origin, events);
    return new Rule(this, id, { eventBus: this.eventBus, eventPattern, targets: [target], description });
  }

  /** Makes a rule on the bus for the news that events were lost. */
  onLoss(id: string, { target, description, ...queues }: OnLossOptions): Rule {
    const eventPattern = lossPatternOf(this.origin, queues);
    return new Rule(this, id, { eventBus: this.eventBus, eventPattern, targets: [target], description });
  }

  /** Lets a consumer read what too large events left in the bucket, which `detail.claimCheck` points to. */
  grantReadPayloads(grantee: IGrantable): Grant {
    const { payloadBucket: bucket } = this;
    const grant = Grant.addToPrincipalOrResource({
      grantee,
      actions: ['s3:GetObject'],
      resourceArns: [bucket.arnForObjects('*')],
      resource: bucket,
    });
    acknowledgeObjects(bucket, grantee.grantPrincipal);
    return bucket.encryptionKey ? grant.combine(bucket.encryptionKey.grantDecrypt(grantee)) : grant;
  }

  /** Lets someone invoke the function that recovers lost events, for a time of their choice. */
  grantReconcile(grantee: IGrantable): Grant {
    return this.reconcileFunction.grantInvokeLatestVersion(grantee);
  }

  /** Lets someone invoke the function that sends parked events again. */
  grantRedrive(grantee: IGrantable): Grant {
    return this.redriveFunction.grantInvokeLatestVersion(grantee);
  }

  private allowPublish(grantee: LambdaFunction): void {
    const { eventBus, deadLetterQueue, payloadBucket } = this;
    allow(grantee, eventBus.eventBusArn, 'events:PutEvents', 'events:DescribeEventBus');
    allow(grantee, deadLetterQueue.queueArn, 'sqs:SendMessage');
    // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    allowKey(grantee, deadLetterQueue.encryptionMasterKey, 'sqs', 'GenerateDataKey', 'Decrypt');
    allow(grantee, payloadBucket.arnForObjects('*'), 's3:PutObject');
    allowKey(grantee, payloadBucket.encryptionKey, 's3', 'GenerateDataKey');
    acknowledgeObjects(payloadBucket, grantee.role ?? grantee);
  }

  private allowRead(
    grantee: LambdaFunction,
    { redis, encryptionKey }: BullbridgeProps,
    ...tableActions: string[]
  ): void {
    allow(grantee, this.table.tableArn, ...tableActions);
    // https://docs.aws.amazon.com/kms/latest/developerguide/services-dynamodb.html
    allowKey(grantee, encryptionKey, 'dynamodb', 'Decrypt');
    redis._access.allow(grantee);
  }
}

function shorter(a: Duration, b: Duration): Duration {
  return a.toSeconds() < b.toSeconds() ? a : b;
}
