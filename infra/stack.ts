import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { distance } from 'fastest-levenshtein';
import { parseStartFrom } from '../functions/start-from.ts';
import { Bullbridge, type BullbridgeProps } from './bullbridge.ts';

/** The secret that is read where no other is named. */
const DEFAULT_SECRET = 'bullbridge/redis-url';

/** The context values of the stack, `-c name=value`; docs/deploy.md tells what each means. */
const OPTIONS = [
  'redisUrlSecretName',
  'redisUrlSecretArn',
  'eventBusName',
  'intervalMinutes',
  'prefix',
  'queues',
  'events',
  'sourceName',
  'startFrom',
  'vpcId',
  'alarms',
  'alarmTopicArn',
  'dashboard',
  'removalPolicy',
] as const;

type Options = { readonly [Name in (typeof OPTIONS)[number]]?: string };

const REMOVAL_POLICIES: Readonly<Record<string, RemovalPolicy>> = {
  retain: RemovalPolicy.RETAIN,
  destroy: RemovalPolicy.DESTROY,
};

/** The stack that `cdk deploy` deploys: one {@link Bullbridge}, by context values. */
export class BullbridgeStack extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, { description: "Forwards BullMQ's events to EventBridge", ...props });
    const options = readOptions(this);
    const { eventBusName, vpcId } = options;
    const bullbridge = new Bullbridge(this, 'Bullbridge', {
      redisUrlSecret: secretOf(this, options),
      eventBus: eventBusName === undefined ? undefined : EventBus.fromEventBusName(this, 'EventBus', eventBusName),
      interval: intervalOf(options),
      prefix: options.prefix,
      queues: listOf(options.queues),
      events: listOf(options.events),
      sourceName: options.sourceName,
      ...startFromOf(options),
      vpc: vpcId === undefined ? undefined : Vpc.fromLookup(this, 'Vpc', { vpcId }),
      alarms: booleanOf('alarms', options),
      alarmAction: alarmActionOf(this, options),
      dashboard: booleanOf('dashboard', options),
      removalPolicy: removalPolicyOf(options),
    });
    const { eventBus, table, deadLetterQueue, payloadBucket } = bullbridge;
    const { forwardFunction, reconcileFunction, redriveFunction } = bullbridge;
    const output = (name: string, description: string, value: string) =>
      new CfnOutput(this, name, { description, value });
    output('EventBusName', 'The bus to write rules for', eventBus.eventBusName);
    output('EventBusArn', 'Its ARN', eventBus.eventBusArn);
    output('CheckpointTable', 'The table with positions, leases and gaps', table.tableName);
    output('DeadLetterQueueUrl', 'The queue of events that the bus refused', deadLetterQueue.queueUrl);
    output('ForwardFunction', 'The function that forwards', forwardFunction.functionName);
    output('PayloadBucket', 'The bucket of what is too large for the bus', payloadBucket.bucketName);
    output('ReconcileFunction', 'The function that recovers lost events', reconcileFunction.functionName);
    output('RedriveFunction', 'The function that sends refused events again', redriveFunction.functionName);
    for (const group of vpcId === undefined ? [] : forwardFunction.connections.securityGroups) {
      output('SecurityGroupId', 'The group that the security group of Redis must let in', group.securityGroupId);
    }
  }
}

function readOptions({ node }: Construct): Options {
  for (const name of Object.keys(node.getAllContext())) {
    const meant = OPTIONS.find((option) => distance(option.toLowerCase(), name.toLowerCase()) <= 2);
    if (meant === undefined || meant === name) continue;
    throw new Error(`context ${name} is not known, did you mean ${meant}?`);
  }
  const given = OPTIONS.flatMap((name) => {
    const value = node.tryGetContext(name);
    if (value === undefined) return [];
    // A value in cdk.json may be a number or a list; from the command line all are text.
    const text = String(value).trim();
    if (text === '') throw new Error(`context ${name} must not be empty; leave it out for the default`);
    return [[name, text]];
  });
  return Object.fromEntries(given);
}

function secretOf(scope: Construct, { redisUrlSecretName: name, redisUrlSecretArn: arn }: Options): ISecret {
  if (name !== undefined && arn !== undefined) {
    throw new Error('context redisUrlSecretName and redisUrlSecretArn must not both be given, got both');
  }
  if (arn !== undefined) return Secret.fromSecretCompleteArn(scope, 'RedisUrl', arn);
  return Secret.fromSecretNameV2(scope, 'RedisUrl', name ?? DEFAULT_SECRET);
}

/** `now,emails=beginning`: one place for all queues, then those of single ones. */
function startFromOf({ startFrom }: Options): Pick<BullbridgeProps, 'startFrom' | 'startFromByQueue'> {
  if (startFrom === undefined) return {};
  const parsed = parseStartFrom(startFrom);
  if (parsed) return { startFrom: parsed.default, startFromByQueue: Object.fromEntries(parsed.queues) };
  throw new Error(
    `context startFrom must be "beginning" or "now", then queue=beginning or queue=now, got "${startFrom}"`,
  );
}

function intervalOf({ intervalMinutes }: Options): Duration | undefined {
  if (intervalMinutes === undefined) return undefined;
  if (/^\d+$/.test(intervalMinutes)) return Duration.minutes(Number(intervalMinutes));
  throw new Error(`context intervalMinutes must be a whole number, got "${intervalMinutes}"`);
}

function booleanOf(name: 'alarms' | 'dashboard', { [name]: value }: Options): boolean | undefined {
  if (value === undefined) return undefined;
  if (value === 'true' || value === 'false') return value === 'true';
  throw new Error(`context ${name} must be true or false, got "${value}"`);
}

function alarmActionOf(scope: Construct, { alarmTopicArn: arn }: Options): SnsAction | undefined {
  return arn === undefined ? undefined : new SnsAction(Topic.fromTopicArn(scope, 'AlarmTopic', arn));
}

function removalPolicyOf({ removalPolicy }: Options): RemovalPolicy | undefined {
  if (removalPolicy === undefined) return undefined;
  const policy = REMOVAL_POLICIES[removalPolicy];
  if (policy !== undefined) return policy;
  throw new Error(`context removalPolicy must be retain or destroy, got "${removalPolicy}"`);
}

function listOf(list: string | undefined): string[] | undefined {
  return list?.split(',').map((item) => item.trim());
}
