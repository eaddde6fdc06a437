import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { EventBus, type IEventBus } from 'aws-cdk-lib/aws-events';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { Bullbridge } from '../construct/bullbridge.ts';
import { type Options, propsOf, readOptions } from './options.ts';
import { redisOf } from './redis-option.ts';

/** The stack of `cdk deploy`: one {@link Bullbridge}, configured by context values. */
export class BullbridgeStack extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, { description: 'Forwards BullMQ events to EventBridge', ...props });
    const options = readOptions(this.node);
    const { vpcId, encryptionKeyArn, checkpointTableName, deadLetterQueueArn } = options;
    const bullbridge = new Bullbridge(this, 'Bullbridge', {
      ...propsOf(options),
      redis: redisOf(this, options),
      eventBus: busOf(this, options),
      checkpointTable: given(checkpointTableName, (name) => Table.fromTableName(this, 'Checkpoints', name)),
      deadLetterQueue: given(deadLetterQueueArn, (arn) => Queue.fromQueueArn(this, 'DeadLetters', arn)),
      payloadBucket: bucketOf(this, options),
      vpc: given(vpcId, (id) => Vpc.fromLookup(this, 'Vpc', { vpcId: id })),
      encryptionKey: given(encryptionKeyArn, (arn) => Key.fromKeyArn(this, 'Key', arn)),
      alarmAction: given(options.alarmTopicArn, (arn) => new SnsAction(Topic.fromTopicArn(this, 'AlarmTopic', arn))),
    });
    const { eventBus, table, deadLetterQueue, payloadBucket, schemaRegistry } = bullbridge;
    const { forwardFunction, reconcileFunction, redriveFunction } = bullbridge;
    const output = (name: string, description: string, value: string) =>
      new CfnOutput(this, name, { description, value });
    output('EventBusName', 'The bus to create rules on', eventBus.eventBusName);
    output('EventBusArn', 'The ARN of the bus', eventBus.eventBusArn);
    output('CheckpointTable', 'The table of positions, leases and gaps', table.tableName);
    output('DeadLetterQueueUrl', 'The queue with events that the bus refused', deadLetterQueue.queueUrl);
    output('ForwardFunction', 'The function that forwards events', forwardFunction.functionName);
    output('PayloadBucket', 'The bucket for fields that are too large for the bus', payloadBucket.bucketName);
    output('ReconcileFunction', 'The function that recovers lost events', reconcileFunction.functionName);
    output('RedriveFunction', 'The function that sends dead letters again', redriveFunction.functionName);
    if (schemaRegistry) {
      output('SchemaRegistry', 'The registry of the schemas of events', schemaRegistry.attrRegistryName);
    }
    for (const group of vpcId === undefined ? [] : forwardFunction.connections.securityGroups) {
      output('SecurityGroupId', 'The security group that Redis must let in', group.securityGroupId);
    }
  }
}

/** The result of `make` for an option that is given. */
function given<T>(option: string | undefined, make: (option: string) => T): T | undefined {
  return option === undefined ? undefined : make(option);
}

function busOf(scope: Construct, { eventBusName }: Options): IEventBus | undefined {
  return given(eventBusName, (name) =>
    name.startsWith('arn:')
      ? EventBus.fromEventBusArn(scope, 'EventBus', name)
      : EventBus.fromEventBusName(scope, 'EventBus', name),
  );
}

function bucketOf(scope: Construct, options: Options): IBucket | undefined {
  const { payloadBucketName: bucketName, payloadBucketKeyArn } = options;
  const encryptionKey = given(payloadBucketKeyArn, (arn) => Key.fromKeyArn(scope, 'PayloadsKey', arn));
  if (bucketName !== undefined) return Bucket.fromBucketAttributes(scope, 'Payloads', { bucketName, encryptionKey });
  if (encryptionKey === undefined) return undefined;
  throw new Error('context payloadBucketKeyArn needs payloadBucketName, got none');
}
