import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { Bullbridge } from '../construct/bullbridge.ts';
import { type Options, propsOf, readOptions } from './options.ts';
import { redisOf } from './redis-option.ts';

/** The stack that `cdk deploy` deploys: one {@link Bullbridge}, by context values. */
export class BullbridgeStack extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, { description: "Forwards BullMQ's events to EventBridge", ...props });
    const options = readOptions(this.node);
    const { eventBusName, vpcId, payloadBucketName, encryptionKeyArn } = options;
    const bullbridge = new Bullbridge(this, 'Bullbridge', {
      ...propsOf(options),
      redis: redisOf(this, options),
      eventBus: eventBusName === undefined ? undefined : EventBus.fromEventBusName(this, 'EventBus', eventBusName),
      payloadBucket:
        payloadBucketName === undefined ? undefined : Bucket.fromBucketName(this, 'Payloads', payloadBucketName),
      vpc: vpcId === undefined ? undefined : Vpc.fromLookup(this, 'Vpc', { vpcId }),
      encryptionKey: encryptionKeyArn === undefined ? undefined : Key.fromKeyArn(this, 'Key', encryptionKeyArn),
      alarmAction: alarmActionOf(this, options),
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

function alarmActionOf(scope: Construct, { alarmTopicArn: arn }: Options): SnsAction | undefined {
  return arn === undefined ? undefined : new SnsAction(Topic.fromTopicArn(scope, 'AlarmTopic', arn));
}
