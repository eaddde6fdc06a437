import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { beforeAll, describe, expect, test } from 'vitest';
import { ScheduledFunction } from '../../../infra/construct/scheduled-function.ts';
import { createStack, environmentOf, only, permissionsOf, synthesize } from '../synth.ts';

let template: Template;

beforeAll(() => {
  template = synthesize();
});

describe('the stores', () => {
  test('protect positions from deletion and mistakes', () => {
    template.hasResource('AWS::DynamoDB::GlobalTable', {
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
        Replicas: [
          Match.objectLike({
            DeletionProtectionEnabled: true,
            PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
          }),
        ],
      },
    });
  });

  test('keep dead letters for 14 days, encrypted, and accept them only with TLS', () => {
    template.hasResource('AWS::SQS::Queue', {
      DeletionPolicy: 'Retain',
      Properties: { MessageRetentionPeriod: 14 * 24 * 60 * 60, SqsManagedSseEnabled: true },
    });
    template.hasResourceProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: {
        Statement: [Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } })],
      },
    });
  });

  test('are deleted with the stack if the removal policy is to destroy', () => {
    const destroyed = synthesize({ removalPolicy: RemovalPolicy.DESTROY });
    destroyed.hasResource('AWS::SQS::Queue', { DeletionPolicy: 'Delete' });
    destroyed.hasResource('AWS::DynamoDB::GlobalTable', {
      DeletionPolicy: 'Delete',
      Properties: { Replicas: [Match.objectLike({ DeletionProtectionEnabled: false })] },
    });
  });

  test('keep payloads encrypted and private, for a month or as configured', () => {
    template.hasResource('AWS::S3::Bucket', {
      DeletionPolicy: 'Retain',
      Properties: {
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
        LifecycleConfiguration: { Rules: [Match.objectLike({ ExpirationInDays: 30, Status: 'Enabled' })] },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
      },
    });
    synthesize({ payloadRetention: Duration.days(3) }).hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: { Rules: [Match.objectLike({ ExpirationInDays: 3 })] },
    });
  });

  test('keep logs for a month, or as configured', () => {
    template.resourceCountIs('AWS::Logs::LogGroup', 3);
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 });
    for (const name of ['Forward', 'Reconcile', 'Redrive']) {
      const { id } = only(template, 'AWS::Logs::LogGroup', `Bullbridge${name}`);
      const { Properties } = only(template, 'AWS::Lambda::Function', `Bullbridge${name}`);
      expect(Properties['LoggingConfig']).toEqual({ LogGroup: { Ref: id } });
    }
    synthesize({ logRetention: RetentionDays.ONE_WEEK }).allResourcesProperties('AWS::Logs::LogGroup', {
      RetentionInDays: 7,
    });
  });
});

describe('the construct', () => {
  test('runs the bundles on Node 24 and ARM', () => {
    template.resourceCountIs('AWS::Lambda::Function', 3);
    template.allResourcesProperties('AWS::Lambda::Function', {
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
      MemorySize: 256,
    });
    synthesize({ memorySize: 512 }).allResourcesProperties('AWS::Lambda::Function', { MemorySize: 512 });
  });

  test('runs each minute, or as configured, with a timeout of 75 seconds more than that', () => {
    const { id } = only(template, 'AWS::Lambda::Function', 'BullbridgeForward');
    template.hasResourceProperties('AWS::Scheduler::Schedule', {
      ScheduleExpression: 'rate(1 minute)',
      FlexibleTimeWindow: { Mode: 'OFF' },
      State: 'ENABLED',
      Target: {
        Arn: { 'Fn::GetAtt': [id, 'Arn'] },
        Input: '{"shard":{"index":0,"count":1}}',
      },
    });
    template.hasResourceProperties('AWS::Lambda::Function', { Timeout: 135 });

    const slower = synthesize({ interval: Duration.seconds(300) });
    slower.hasResourceProperties('AWS::Scheduler::Schedule', { ScheduleExpression: 'rate(5 minutes)' });
    slower.hasResourceProperties('AWS::Lambda::Function', {
      Timeout: 375,
      Environment: { Variables: Match.objectLike({ BULLBRIDGE_INTERVAL_SECONDS: '300' }) },
    });
    slower.hasResourceProperties('AWS::Lambda::EventInvokeConfig', { MaximumEventAgeInSeconds: 300 });
  });

  test('runs each shard on its own schedule, the first on the original schedule', () => {
    const schedulesOf = (from: Template) => {
      const all = Object.entries(from.findResources('AWS::Scheduler::Schedule'));
      return all.filter(([id]) => id.startsWith('BullbridgeForward'));
    };
    const sharded = schedulesOf(synthesize({ shards: 3 }));
    expect(sharded[0]?.[0]).toBe(schedulesOf(template)[0]?.[0]);
    expect(sharded.map(([, { Properties }]) => JSON.parse(Properties['Target']['Input']))).toEqual([
      { shard: { index: 0, count: 3 } },
      { shard: { index: 1, count: 3 } },
      { shard: { index: 2, count: 3 } },
    ]);
    synthesize({ shards: 3 }).resourceCountIs('AWS::Lambda::Function', 3);
  });

  test('recovers lost events each five minutes, or as configured, for at most 15 minutes', () => {
    const { id, Properties } = only(template, 'AWS::Lambda::Function', 'BullbridgeReconcile');
    expect(Properties['Timeout']).toBe(300);
    template.hasResourceProperties('AWS::Scheduler::Schedule', {
      ScheduleExpression: 'rate(5 minutes)',
      Target: { Arn: { 'Fn::GetAtt': [id, 'Arn'] }, Input: '{}', RetryPolicy: { MaximumRetryAttempts: 0 } },
    });

    const daily = synthesize({ reconcileInterval: Duration.days(1) });
    daily.hasResourceProperties('AWS::Scheduler::Schedule', { ScheduleExpression: 'rate(1 day)' });
    expect(only(daily, 'AWS::Lambda::Function', 'BullbridgeReconcile').Properties['Timeout']).toBe(900);
    daily.hasResourceProperties('AWS::Lambda::EventInvokeConfig', { MaximumEventAgeInSeconds: 6 * 60 * 60 });
  });

  test('pauses and keeps all data', () => {
    const paused = synthesize({ enabled: false, shards: 2 });
    paused.allResourcesProperties('AWS::Scheduler::Schedule', { State: 'DISABLED' });
    const kept = Object.keys(paused.toJSON()['Resources']);
    expect(kept).toEqual(Object.keys(synthesize({ shards: 2 }).toJSON()['Resources']));
    // Nothing is to be started, so nothing is missing.
    paused.resourcePropertiesCountIs('AWS::CloudWatch::Alarm', { TreatMissingData: 'breaching' }, 0);
  });

  test('reserves concurrency only for the forward function', () => {
    const reserved = synthesize({ reservedConcurrentExecutions: 4 });
    reserved.resourcePropertiesCountIs('AWS::Lambda::Function', { ReservedConcurrentExecutions: Match.anyValue() }, 1);
    expect(
      only(reserved, 'AWS::Lambda::Function', 'BullbridgeForward').Properties['ReservedConcurrentExecutions'],
    ).toBe(4);
  });

  test('names the command that builds a missing bundle', () => {
    const { stack } = createStack();
    const interval = Duration.minutes(1);
    const timing = { interval, timeout: interval, payloads: [{}], memorySize: 256, enabled: true };
    const props = { name: 'unbuilt', description: '', environment: {}, ...timing };
    expect(() => new ScheduledFunction(stack, 'Unbuilt', props)).toThrow(
      /^the bundle of the function "unbuilt" is missing, got nothing at .*dist.lambda.unbuilt; run npm run build$/,
    );
  });

  test('leaves the retry to the next run', () => {
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      MaximumRetryAttempts: 0,
      MaximumEventAgeInSeconds: 60,
    });
    template.hasResourceProperties('AWS::Scheduler::Schedule', {
      Target: { RetryPolicy: Match.objectLike({ MaximumRetryAttempts: 0 }) },
    });
  });

  test('publishes to an existing bus, and creates none', () => {
    const arn = 'arn:aws:events:eu-west-1:210987654321:event-bus/jobs';
    const onJobs = synthesize((stack) => ({ eventBus: EventBus.fromEventBusArn(stack, 'Jobs', arn) }));
    onJobs.resourceCountIs('AWS::Events::EventBus', 0);
    expect(environmentOf(onJobs)).toMatchObject({ EVENT_BUS_NAME: arn });
    for (const action of ['events:DescribeEventBus', 'events:PutEvents']) {
      expect(permissionsOf(onJobs, 'BullbridgeForwardRole')).toContainEqual([action, arn]);
    }
  });

  test('exposes the resources that others subscribe to, watch and read', () => {
    const { stack, bullbridge } = createStack();
    const { eventBus, table, deadLetterQueue, forwardFunction, reconcileFunction } = bullbridge;
    const names = [
      eventBus.eventBusName,
      table.tableName,
      deadLetterQueue.queueUrl,
      forwardFunction.functionName,
      reconcileFunction.functionName,
    ] as const;
    expect(names.map((name) => stack.resolve(name))).toMatchInlineSnapshot(`
      [
        {
          "Ref": "BullbridgeEventBus01FAD6E2",
        },
        {
          "Ref": "BullbridgeCheckpoints188C9656",
        },
        {
          "Ref": "BullbridgeDeadLetterQueueBE5CF1A8",
        },
        {
          "Ref": "BullbridgeForwardFunctionFF0359F1",
        },
        {
          "Ref": "BullbridgeReconcileFunctionEF9B1FB7",
        },
      ]
    `);
  });
});
