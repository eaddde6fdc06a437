import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { JOB_NAMES, namesOf, parseJobFields } from '../../functions/event/job-fields.ts';
import { parseStartFrom } from '../../functions/start-from.ts';
import { Bullbridge, type BullbridgeProps } from '../construct/bullbridge.ts';
import { flagOf, listOf, numberOf, type Options, oneOf, readOptions } from './options.ts';
import { redisOf } from './redis-option.ts';

const REMOVAL_POLICIES = { retain: RemovalPolicy.RETAIN, destroy: RemovalPolicy.DESTROY };

/** The stack that `cdk deploy` deploys: one {@link Bullbridge}, by context values. */
export class BullbridgeStack extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, { description: "Forwards BullMQ's events to EventBridge", ...props });
    const options = readOptions(this.node);
    const { eventBusName, vpcId, payloadBucketName, encryptionKeyArn } = options;
    const bullbridge = new Bullbridge(this, 'Bullbridge', {
      redis: redisOf(this, options),
      eventBus: eventBusName === undefined ? undefined : EventBus.fromEventBusName(this, 'EventBus', eventBusName),
      queues: listOf(options, 'queues'),
      events: listOf(options, 'events'),
      ...jobFieldsOf(options),
      jobDataBytes: numberOf(options, 'jobDataBytes'),
      omit: listOf(options, 'omit'),
      prefix: options.prefix,
      sourceName: options.sourceName,
      ...startFromOf(options),
      interval: minutesOf(options, 'intervalMinutes'),
      tail: oneOf(options, 'tail', { auto: 'auto', always: 'always', never: 'never' } as const),
      publisher: oneOf(options, 'publisher', { lean: 'lean', sdk: 'sdk' } as const),
      shards: numberOf(options, 'shards'),
      sweepSize: numberOf(options, 'sweepSize'),
      reconcileInterval: minutesOf(options, 'reconcileIntervalMinutes'),
      queueMetrics: flagOf(options, 'queueMetrics'),
      payloadBucket:
        payloadBucketName === undefined ? undefined : Bucket.fromBucketName(this, 'Payloads', payloadBucketName),
      memorySize: numberOf(options, 'memorySize'),
      vpc: vpcId === undefined ? undefined : Vpc.fromLookup(this, 'Vpc', { vpcId }),
      vpcEndpoints: flagOf(options, 'vpcEndpoints'),
      encryptionKey: encryptionKeyArn === undefined ? undefined : Key.fromKeyArn(this, 'Key', encryptionKeyArn),
      tracing: flagOf(options, 'tracing'),
      alarms: flagOf(options, 'alarms'),
      alarmAction: alarmActionOf(this, options),
      dashboard: flagOf(options, 'dashboard'),
      removalPolicy: oneOf(options, 'removalPolicy', REMOVAL_POLICIES),
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

/** `now,emails=beginning`: one place for all queues, then those of single ones. */
function startFromOf({ startFrom }: Options): Pick<BullbridgeProps, 'startFrom' | 'startFromByQueue'> {
  if (startFrom === undefined) return {};
  const parsed = parseStartFrom(startFrom);
  if (parsed) return { startFrom: parsed.default, startFromByQueue: Object.fromEntries(parsed.queues) };
  throw new Error(
    `context startFrom must be "beginning" or "now", then queue=beginning or queue=now, got "${startFrom}"`,
  );
}

/** `name+attemptsMade,failed=name+opts.attempts`: names for all events, then those of single ones. */
function jobFieldsOf({ jobFields }: Options): Pick<BullbridgeProps, 'jobFields' | 'jobFieldsByEvent'> {
  if (jobFields === undefined) return {};
  const parsed = parseJobFields(jobFields);
  if (!parsed) {
    throw new Error(
      `context jobFields must be names joined by +, then event=names, separated by commas, with the names ${JOB_NAMES}, got "${jobFields}"`,
    );
  }
  const { '*': ofAll, ...byEvent } = Object.fromEntries([...parsed].map(([event, one]) => [event, namesOf(one)]));
  return { jobFields: ofAll, jobFieldsByEvent: byEvent };
}

function minutesOf(options: Options, name: 'intervalMinutes' | 'reconcileIntervalMinutes'): Duration | undefined {
  const minutes = numberOf(options, name);
  return minutes === undefined ? undefined : Duration.minutes(minutes);
}

function alarmActionOf(scope: Construct, { alarmTopicArn: arn }: Options): SnsAction | undefined {
  return arn === undefined ? undefined : new SnsAction(Topic.fromTopicArn(scope, 'AlarmTopic', arn));
}
