import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { Connections, IConnectable } from 'aws-cdk-lib/aws-ec2';
import type { IEventBus, Rule } from 'aws-cdk-lib/aws-events';
import type { CfnRegistry } from 'aws-cdk-lib/aws-eventschemas';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { type AlarmName, Alarms, RUNBOOK_URL } from './alarms.ts';
import type { BullbridgeProps } from './bullbridge-props.ts';
import { publishTo } from './buses.ts';
import { checkTogether, warnOfEvents, warnOfSlips } from './consistency.ts';
import { Consumers } from './consumers.ts';
import { createDashboard } from './dashboard.ts';
import { propOf, settingsOf } from './environment.ts';
import { createFailureAlarm, type FailureAlarmOptions } from './failure-alarm.ts';
import { createFunctions } from './functions.ts';
import { Measured } from './metrics.ts';
import { checkNetwork, createEndpoints, letIn } from './network.ts';
import { keysOf } from './permissions.ts';
import { RedisAccess } from './redis-access.ts';
import { type EventSource, lossPatternOf, type OnEventOptions, type OnLossOptions, patternOf } from './rules.ts';
import { SchemaRegistry } from './schema-registry.ts';
import { createStorage } from './storage.ts';

export type { BullbridgeProps } from './bullbridge-props.ts';

/**
 * Forwards the events of BullMQ queues in one Redis to an EventBridge bus, at least once.
 *
 * @example
 * const bullbridge = new Bullbridge(this, 'Bullbridge', {
 *   redis: RedisAccess.fromUrlSecret(Secret.fromSecretNameV2(this, 'RedisUrl', 'bullbridge/redis-url')),
 * });
 * bullbridge.onEvent('FailedPayments', { queue: 'payments', event: 'failed', target: new LambdaFunction(alert) });
 */
export class Bullbridge extends Measured implements IConnectable {
  /** The bus that events are published to. */
  readonly eventBus: IEventBus;
  /** The table of positions, leases and gaps. */
  readonly table: ITable;
  /** The dead-letter queue, with the events that the bus refused, each with the reason. */
  readonly deadLetterQueue: IQueue;
  /**
   * The queue with the events that a bus of its own could not encrypt, because the policy of the key forbids it; only
   * with {@link BullbridgeProps.encryptionKey}.
   */
  readonly busDeadLetterQueue: IQueue | undefined;
  /** The function that forwards events; the schedule starts it. */
  readonly forwardFunction: LambdaFunction;
  /** The function that recovers lost events; the schedule starts it, and you can invoke it at any time. */
  readonly reconcileFunction: LambdaFunction;
  /** The function that sends dead letters again; it runs only when you invoke it. */
  readonly redriveFunction: LambdaFunction;
  /** The bucket for fields of events that are too large for EventBridge. */
  readonly payloadBucket: IBucket;
  /** The alarms, by name; empty with `alarms: false`. */
  readonly alarms: Readonly<Partial<Record<AlarmName, Alarm>>>;
  /** The registry of schemas; only with {@link BullbridgeProps.schemaRegistry}. */
  readonly schemaRegistry: CfnRegistry | undefined;

  private readonly origin: EventSource;
  private readonly consumers: Consumers;
  private readonly watchedProps: Pick<BullbridgeProps, 'jobMetrics' | 'queues' | 'alarmAction'>;
  private readonly failureAlarms: Construct;

  constructor(scope: Construct, id: string, props: BullbridgeProps) {
    super(scope, id, props);
    const { redis, encryptionKey, vpc } = props;
    const [sourceName, prefix] = [propOf(props, 'sourceName'), propOf(props, 'prefix')];
    this.origin = { prefix, sourceName, queues: props.queues, events: props.events };
    this.watchedProps = props;
    // A scope of their own: the ids that users choose cannot collide with those of this construct.
    this.failureAlarms = new Construct(this, 'FailureAlarms');
    checkNetwork(props);
    settingsOf(props);
    checkTogether(props);
    warnOfSlips(this, props);

    const storage = createStorage(this, props, this.deployment);
    this.eventBus = storage.eventBus;
    this.busDeadLetterQueue = storage.busDeadLetterQueue;
    this.table = storage.table;
    this.deadLetterQueue = storage.deadLetterQueue;
    this.payloadBucket = storage.payloadBucket;
    publishTo(this, storage, this.origin);

    const functions = createFunctions(this, props, storage, this.deployment);
    this.forwardFunction = functions.forward;
    this.reconcileFunction = functions.reconcile;
    this.redriveFunction = functions.redrive;
    createEndpoints(this, props);
    if (vpc) letIn(this.connections.securityGroups, redis);

    this.schemaRegistry = propOf(props, 'schemaRegistry')
      ? new SchemaRegistry(this, 'Schemas', propOf(props, 'events')).registry
      : undefined;
    this.consumers = new Consumers(this, 'Consumers', {
      eventBus: this.eventBus,
      bucket: this.payloadBucket,
      keys: keysOf(sourceName, prefix),
      uses: [vpc, encryptionKey, RedisAccess._accessOf(redis).securityGroup],
    });
    const options = {
      watched: this,
      interval: propOf(props, 'interval'),
      reconcileInterval: propOf(props, 'reconcileInterval'),
      shards: propOf(props, 'shards'),
      enabled: propOf(props, 'enabled'),
      runbookUrl: props.runbookUrl ?? RUNBOOK_URL,
      action: props.alarmAction,
    };
    this.alarms = propOf(props, 'alarms') ? new Alarms(this, 'Alarms', options).alarms : {};
    if (propOf(props, 'dashboard')) {
      createDashboard(this, 'Dashboard', { ...options, alarms: Object.values(this.alarms) });
    }
  }

  /**
   * The network connections of the functions, to open other security groups to them:
   * `cache.connections.allowDefaultPortFrom(bullbridge)`.
   *
   * @throws Error without the prop `vpc`
   */
  get connections(): Connections {
    if (!this.forwardFunction.isBoundToVpc) throw new Error('connections needs the prop vpc, got none');
    return this.forwardFunction.connections;
  }

  /**
   * Creates a rule on the bus for queue events of this Redis.
   *
   * @throws Error at synthesis for a queue or an event that is not forwarded, and for a bus of another account or
   * region
   */
  onEvent(id: string, { target, description, ...events }: OnEventOptions): Rule {
    const rule = this.consumers.addRule(id, target, patternOf(this.origin, events), description);
    warnOfEvents(rule, 'event', [events.event ?? []].flat());
    return rule;
  }

  /** Creates a rule on the bus for the event `Events Lost`. */
  onLoss(id: string, { target, description, ...queues }: OnLossOptions): Rule {
    return this.consumers.addRule(id, target, lossPatternOf(this.origin, queues), description);
  }

  /**
   * Creates an alarm that goes off when more than a given share of a queue's jobs failed; needs `jobMetrics` with
   * `completed` and `failed`.
   *
   * It has the same action as the other alarms.
   *
   * @throws Error at synthesis without these metrics, or for a queue that is not forwarded
   */
  alarmOnFailures(id: string, options: FailureAlarmOptions): Alarm {
    const { jobMetrics, queues, alarmAction } = this.watchedProps;
    const alarm = createFailureAlarm(this.failureAlarms, id, options, this.dimensions, { jobMetrics, queues });
    if (alarmAction) {
      alarm.addAlarmAction(alarmAction);
      alarm.addOkAction(alarmAction);
    }
    return alarm;
  }

  /**
   * Lets a consumer read the payloads in the bucket that `detail.claimCheck` points to.
   *
   * For a consumer in another stack, call this after {@link onEvent}.
   */
  grantReadPayloads(grantee: IGrantable): Grant {
    return this.consumers.grantReadPayloads(grantee);
  }

  /** Grants the right to invoke the function that recovers lost events, for a time window of the caller's choice. */
  grantReconcile(grantee: IGrantable): Grant {
    return this.reconcileFunction.grantInvokeLatestVersion(grantee);
  }

  /** Grants the right to invoke the function that sends dead letters again. */
  grantRedrive(grantee: IGrantable): Grant {
    return this.redriveFunction.grantInvokeLatestVersion(grantee);
  }
}
