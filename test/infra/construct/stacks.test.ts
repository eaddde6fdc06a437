import { type App, Stack, type StackProps, Stage } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { Table } from 'aws-cdk-lib/aws-dynamodb';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { EventBus, Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction, SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Code, Function as Lambda, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { describe, expect, test } from 'vitest';
import { Bullbridge, type BullbridgeProps } from '../../../infra/construct/bullbridge.ts';
import { RedisAccess, type RedisUrlOptions } from '../../../infra/construct/redis-access.ts';
import { createApp, only, permissionsOf } from '../synth.ts';

function add(stack: Stack, props: Partial<BullbridgeProps> = {}, redis: RedisUrlOptions = {}): Bullbridge {
  const secret = Secret.fromSecretNameV2(stack, 'RedisUrl', 'redis');
  return new Bullbridge(stack, 'Bullbridge', { redis: RedisAccess.fromUrlSecret(secret, redis), ...props });
}

function addFunction(stack: Stack): Lambda {
  const code = Code.fromInline('exports.handler = () => {}');
  return new Lambda(stack, 'Alert', { code, handler: 'index.handler', runtime: Runtime.NODEJS_22_X });
}

describe('across stacks', () => {
  test('the network and the security group of Redis may be in another stack', () => {
    const app = createApp();
    const net = new Stack(app, 'Net');
    const vpc = new Vpc(net, 'Vpc');
    const securityGroup = new SecurityGroup(net, 'RedisGroup', { vpc });
    const stack = new Stack(app, 'Jobs');
    add(stack, { vpc }, { securityGroup });

    app.synth();

    Template.fromStack(stack).hasResourceProperties('AWS::EC2::SecurityGroupIngress', { FromPort: 6379 });
    expect(net.dependencies).toEqual([]);
  });

  test('a target that reads payloads may be in a third stack', () => {
    const app = createApp();
    const net = new Stack(app, 'Net');
    const vpc = new Vpc(net, 'Vpc');
    const stack = new Stack(app, 'Jobs');
    const consumers = new Stack(app, 'Consumers');
    const bullbridge = add(stack, { vpc, encryptionKey: new Key(stack, 'Key') });
    const alert = addFunction(consumers);
    bullbridge.onEvent('Failed', { event: 'failed', target: new LambdaFunction(alert) });
    bullbridge.grantReadPayloads(alert);

    app.synth();

    const actions = permissionsOf(Template.fromStack(stack), 'BullbridgeConsumersReadPayloads').map(
      ([action]) => action,
    );
    expect(actions).toEqual(['s3:GetObject', 'kms:Decrypt']);
  });

  test('a function that reads payloads may be in the stack of the network', () => {
    const app = createApp();
    const net = new Stack(app, 'Net');
    const stack = new Stack(app, 'Jobs');
    const bullbridge = add(stack, { vpc: new Vpc(net, 'Vpc') });
    bullbridge.grantReadPayloads(addFunction(net));

    app.synth();
  });

  test('a consumer with its own rules may also be granted payloads', () => {
    const app = createApp();
    const bullbridge = add(new Stack(app, 'Jobs'));
    const consumers = new Stack(app, 'Consumers');
    const alert = addFunction(consumers);
    new Rule(consumers, 'Failed', {
      eventBus: bullbridge.eventBus,
      eventPattern: { detailType: ['Job Failed'] },
      targets: [new LambdaFunction(alert)],
    });
    bullbridge.grantReadPayloads(alert);

    app.synth();

    expect(permissionsOf(Template.fromStack(consumers), 'Alert').map(([action]) => action)).toEqual(['s3:GetObject']);
  });

  test('names of buses differ', () => {
    const app = createApp();
    const stacks = ['One', 'Other'].map((id) => new Stack(app, id));
    for (const stack of stacks) add(stack);
    const names = stacks.map((stack) => only(Template.fromStack(stack), 'AWS::Events::EventBus').Properties['Name']);
    expect(names).toEqual(['One-Bullbridge', 'Other-Bullbridge']);
  });
});

describe('two deployments', () => {
  const here = { env: { account: '123456789012', region: 'eu-west-1' } };
  const onJobs = (stack: Stack) => ({ eventBus: EventBus.fromEventBusName(stack, 'Bus', 'jobs') });
  const pair = (app: App | Stage, props?: StackProps) =>
    [new Stack(app, 'A', props), new Stack(app, 'B', props)] as const;

  test.for([
    ['by its name', onJobs],
    [
      'by its ARN',
      (stack: Stack) => ({
        eventBus: EventBus.fromEventBusArn(stack, 'Bus', 'arn:aws:events:eu-west-1:123456789012:event-bus/jobs'),
      }),
    ],
  ] as const)('with the same ids on one bus, imported %s, are refused', ([, props]) => {
    for (const env of [here, undefined]) {
      const [one, other] = pair(createApp(), env);
      add(one, props(one));
      expect(() => add(other, props(other))).toThrow(
        'sourceName must be unique on a bus, got "default" (with the prefix "bull") for both A/Bullbridge and B/Bullbridge',
      );
    }
  });

  test('with the same ids on the bus of one of them are refused', () => {
    const [one, other] = pair(createApp());
    const { eventBus } = add(one);
    expect(() => add(other, { eventBus })).toThrow('sourceName must be unique on a bus');
  });

  test('with the same lease in one table are refused, whatever their queues', () => {
    const [one, other] = pair(createApp());
    const propsOf = (stack: Stack) => ({ checkpointTable: Table.fromTableName(stack, 'Table', 'positions') });
    add(one, { ...propsOf(one), queues: ['a'] });
    expect(() => add(other, { ...propsOf(other), queues: ['b'] })).toThrow(
      'sourceName must be unique in a table, got "default" (with the prefix "bull") for both A/Bullbridge and B/Bullbridge: their runs would wait for each other. Give one of them another sourceName or prefix, or a table of its own',
    );
  });

  test.for([
    ['another source', { sourceName: 'redis-2' }],
    ['another prefix', { prefix: 'jobs' }],
    ['queues of their own', { queues: ['b'] }],
  ] as const)('with %s share a bus', ([, props]) => {
    const [one, other] = pair(createApp());
    add(one, { ...onJobs(one), queues: ['a'] });
    add(other, { ...onJobs(other), queues: ['a'], ...props });
  });

  test('in two stages, or with their own buses, may be alike', () => {
    const app = createApp();
    for (const stage of ['beta', 'prod']) {
      const [one, other] = pair(new Stage(app, stage));
      add(one, onJobs(one));
      add(other);
    }
  });

  test('have their own metrics', () => {
    const [one, other] = pair(createApp());
    const dimensions = [add(one), add(other)].map((bullbridge) => bullbridge.metricLost().dimensions?.['deployment']);
    expect(dimensions).toEqual(['A/Bullbridge', 'B/Bullbridge']);
  });
});

describe('a bus in another place', () => {
  const env = { account: '123456789012', region: 'eu-west-1' };
  const busIn = (stack: Stack, account: string, region: string) =>
    EventBus.fromEventBusArn(stack, 'Bus', `arn:aws:events:${region}:${account}:event-bus/jobs`);

  test('in another region is refused', () => {
    const stack = new Stack(createApp(), 'Jobs', { env });
    expect(() => add(stack, { eventBus: busIn(stack, env.account, 'us-east-1') })).toThrow(
      'eventBus must be in the region of the stack (eu-west-1), got one in us-east-1',
    );
  });

  test('in another account accepts events, but no rules from this stack', () => {
    const stack = new Stack(createApp(), 'Jobs', { env });
    const bullbridge = add(stack, { eventBus: busIn(stack, '210987654321', env.region) });
    const target = new SqsQueue(new Queue(stack, 'Target'));
    for (const method of ['onEvent', 'onLoss'] as const) {
      expect(() => bullbridge[method]('Rule', { target })).toThrow(
        'onEvent and onLoss need a bus in the account and region of the stack (123456789012, eu-west-1), got one in 210987654321, eu-west-1',
      );
    }
  });
});

describe('an existing resource', () => {
  test('is limited to the keys of the source, for functions and consumers: a bucket', () => {
    const stack = new Stack(createApp(), 'Jobs');
    const payloadBucket = Bucket.fromBucketAttributes(stack, 'Payloads', {
      bucketName: 'shared',
      encryptionKey: Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-west-1:123456789012:key/1'),
    });
    const bullbridge = add(stack, { payloadBucket, sourceName: 'redis-1', prefix: '{jobs*}' });
    bullbridge.grantReadPayloads(addFunction(stack));
    const template = Template.fromStack(stack);
    const keys = ':s3:::shared/redis-1/?jobs??:*';
    for (const [action, role] of [
      ['s3:PutObject', 'BullbridgeForwardRole'],
      ['s3:PutObject', 'BullbridgeReconcileRole'],
      ['s3:GetObject', 'Alert'],
    ] as const) {
      const resource = permissionsOf(template, role).find(([name]) => name === action)?.[1];
      expect(JSON.stringify(resource)).toContain(keys);
    }
    expect(permissionsOf(template, 'BullbridgeForwardRole').map(([action]) => action)).toContain('kms:GenerateDataKey');
  });

  test('is used: a table and a queue of another stack', () => {
    const stack = new Stack(createApp(), 'Jobs');
    add(stack, {
      checkpointTable: Table.fromTableName(stack, 'Table', 'positions'),
      deadLetterQueue: Queue.fromQueueArn(stack, 'Parked', 'arn:aws:sqs:eu-west-1:123456789012:parked'),
    });
    const template = Template.fromStack(stack);
    template.resourceCountIs('AWS::DynamoDB::GlobalTable', 0);
    template.resourceCountIs('AWS::SQS::Queue', 0);
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: Match.objectLike({ CHECKPOINT_TABLE: 'positions' }) },
    });
    expect(JSON.stringify(permissionsOf(template, 'BullbridgeForwardRole'))).toContain(':table/positions');
  });

  test('has the name by which the function finds it: a secret whose name may end like an ARN', () => {
    const stack = new Stack(createApp(), 'Jobs');
    const secret = Secret.fromSecretNameV2(stack, 'Named', 'redis-abcdef');
    new Bullbridge(stack, 'Bullbridge', { redis: RedisAccess.fromUrlSecret(secret) });
    const template = Template.fromStack(stack);
    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: Match.objectLike({ REDIS_URL_SECRET_ARN: 'redis-abcdef' }) },
    });
    expect(JSON.stringify(permissionsOf(template, 'BullbridgeForwardRole'))).toContain(':secret:redis-abcdef-??????');
  });
});

describe('a key of the user', () => {
  test('encrypts the bus, with a queue for events that its policy does not let it encrypt', () => {
    const stack = new Stack(createApp(), 'Jobs');
    const { busDeadLetterQueue } = add(stack, { encryptionKey: new Key(stack, 'Key') });
    const template = Template.fromStack(stack);
    template.hasResourceProperties('AWS::Events::EventBus', {
      KmsKeyIdentifier: Match.anyValue(),
      DeadLetterConfig: { Arn: stack.resolve(busDeadLetterQueue?.queueArn) },
    });
    template.hasResourceProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: 'sqs:SendMessage',
            Principal: { Service: 'events.amazonaws.com' },
            Condition: Match.objectLike({ ArnEquals: { 'aws:SourceArn': Match.anyValue() } }),
          }),
        ]),
      },
    });
  });
});

test('no warning for props without a likely mistake', () => {
  const stack = new Stack(createApp(), 'Jobs');
  add(stack, { events: ['completed', 'invoice-sent'], queues: ['a', 'b'], shards: 2 });
  Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
});
