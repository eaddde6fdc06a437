import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { AttributeType, type ITableV2, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { EventBus, type IEventBus } from 'aws-cdk-lib/aws-events';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { ViaServicePrincipal } from 'aws-cdk-lib/aws-kms';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { BullbridgeProps } from './bullbridge-props.ts';
import { settingsOf } from './environment.ts';
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
export class Bullbridge extends Construct {
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

  constructor(scope: Construct, id: string, props: BullbridgeProps) {
    super(scope, id);
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

    const shared = {
      environment: {
        REDIS_URL_SECRET_ARN: redisUrlSecret.secretArn,
        // By its ARN, a bus of another account is found too.
        EVENT_BUS_NAME: this.eventBus.eventBusArn,
        CHECKPOINT_TABLE: this.table.tableName,
        DEAD_LETTER_QUEUE_URL: this.deadLetterQueue.queueUrl,
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
    this.allow(this.forwardFunction, redisUrlSecret, 'dynamodb:BatchGetItem', 'dynamodb:UpdateItem');

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
    this.allow(this.reconcileFunction, redisUrlSecret, 'dynamodb:Query', 'dynamodb:UpdateItem');
  }

  /** Exactly what a function calls: `grantRead`, `sendMessages` and their like would allow more. */
  private allow(grantee: LambdaFunction, redisUrlSecret: ISecret, ...tableActions: string[]): void {
    const { eventBus, table, deadLetterQueue } = this;
    const allow = (resource: string, ...actions: string[]) =>
      grantee.addToRolePolicy(new PolicyStatement({ actions, resources: [resource] }));
    allow(table.tableArn, ...tableActions);
    allow(eventBus.eventBusArn, 'events:PutEvents', 'events:DescribeEventBus');
    allow(deadLetterQueue.queueArn, 'sqs:SendMessage');
    // Secrets Manager ends an ARN with a dash and six random characters, which a secret known by its name lacks.
    allow(redisUrlSecret.secretFullArn ?? `${redisUrlSecret.secretArn}-??????`, 'secretsmanager:GetSecretValue');
    allowDecrypt(redisUrlSecret, grantee);
  }
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
