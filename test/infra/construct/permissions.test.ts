import { Match, type Template } from 'aws-cdk-lib/assertions';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { beforeAll, describe, expect, test } from 'vitest';
import { RedisAccess } from '../../../infra/construct/redis-access.ts';
import { only, permissionsOf, synthesize } from '../synth.ts';

let template: Template;

/** A policy with the use of a key through a service, and of nothing else by it. */
const policyWith = (actions: string | string[], service: string) => ({
  PolicyDocument: {
    Statement: Match.arrayWith([
      {
        Action: actions,
        Effect: 'Allow',
        Resource: { 'Fn::GetAtt': Match.arrayWith(['Arn']) },
        Condition: {
          StringEquals: {
            'kms:ViaService': { 'Fn::Join': ['', [`${service}.`, { Ref: 'AWS::Region' }, '.amazonaws.com']] },
          },
        },
      },
    ]),
  },
});

beforeAll(() => {
  template = synthesize();
});

describe('the permissions', () => {
  test('allow the forward function exactly the actions that it calls', () => {
    expect(permissionsOf(template, 'BullbridgeForwardRole')).toMatchInlineSnapshot(`
      [
        [
          [
            "logs:CreateLogStream",
            "logs:PutLogEvents",
          ],
          {
            "Fn::GetAtt": [
              "BullbridgeForwardLogs4269B6A7",
              "Arn",
            ],
          },
        ],
        [
          [
            "dynamodb:BatchGetItem",
            "dynamodb:UpdateItem",
          ],
          {
            "Fn::GetAtt": [
              "BullbridgeCheckpoints188C9656",
              "Arn",
            ],
          },
        ],
        [
          "secretsmanager:GetSecretValue",
          "arn:aws:secretsmanager:eu-west-1:123456789012:secret:bullbridge/redis-url-AbCdEf",
        ],
        [
          "events:DescribeEventBus",
          {
            "Fn::GetAtt": [
              "BullbridgeEventBus01FAD6E2",
              "Arn",
            ],
          },
        ],
        [
          "events:PutEvents",
          {
            "Fn::GetAtt": [
              "BullbridgeEventBus01FAD6E2",
              "Arn",
            ],
          },
        ],
        [
          "sqs:SendMessage",
          {
            "Fn::GetAtt": [
              "BullbridgeDeadLetterQueueBE5CF1A8",
              "Arn",
            ],
          },
        ],
        [
          "s3:PutObject",
          {
            "Fn::Join": [
              "",
              [
                {
                  "Fn::GetAtt": [
                    "BullbridgePayloads0F29A008",
                    "Arn",
                  ],
                },
                "/default/bull:*",
              ],
            ],
          },
        ],
      ]
    `);
    template.resourcePropertiesCountIs('AWS::IAM::Role', { ManagedPolicyArns: Match.anyValue() }, 0);
  });

  test('allow the reconcile function the same, and to query open gaps', () => {
    const [logs, table, ...others] = permissionsOf(template, 'BullbridgeReconcileRole');
    expect(logs).toEqual([
      ['logs:CreateLogStream', 'logs:PutLogEvents'],
      { 'Fn::GetAtt': [expect.stringMatching(/^BullbridgeReconcileLogs/), 'Arn'] },
    ]);
    expect(table).toEqual([
      ['dynamodb:BatchGetItem', 'dynamodb:Query', 'dynamodb:UpdateItem'],
      { 'Fn::GetAtt': ['BullbridgeCheckpoints188C9656', 'Arn'] },
    ]);
    expect(others).toEqual(permissionsOf(template, 'BullbridgeForwardRole').slice(2));
  });

  test('allow the redrive function the actions that it calls: neither the table, nor the bucket, nor the secret', () => {
    const statements = permissionsOf(template, 'BullbridgeRedriveRole');
    expect(statements.map(([actions]) => actions)).toEqual([
      ['logs:CreateLogStream', 'logs:PutLogEvents'],
      'events:DescribeEventBus',
      'events:PutEvents',
      [
        'sqs:ChangeMessageVisibility',
        'sqs:DeleteMessage',
        'sqs:GetQueueAttributes',
        'sqs:ReceiveMessage',
        'sqs:SendMessage',
      ],
    ]);
  });

  test('allow a bucket of the user, and its key only through S3', () => {
    const given = synthesize((stack) => ({
      payloadBucket: new Bucket(stack, 'Mine', { encryptionKey: new Key(stack, 'Key') }),
    }));
    given.resourceCountIs('AWS::S3::Bucket', 1);
    const statements = permissionsOf(given, 'BullbridgeForwardRole');
    expect(statements.map(([actions]) => actions)).toContain('s3:PutObject');
    given.hasResourceProperties('AWS::IAM::Policy', policyWith('kms:GenerateDataKey', 's3'));
  });

  test('allow a secret that is known by its name, whose ARN ends with unknown characters', () => {
    const named = synthesize((stack) => ({
      redis: RedisAccess.fromUrlSecret(Secret.fromSecretNameV2(stack, 'Named', 'redis')),
    }));
    const [, resource] =
      permissionsOf(named, 'BullbridgeForwardRole').find(([actions]) => actions === 'secretsmanager:GetSecretValue') ??
      [];
    expect(JSON.stringify(resource)).toContain(':secret:redis-??????');
  });

  test('allow the key of a secret, only through Secrets Manager', () => {
    const keyed = synthesize((stack) => ({
      redis: RedisAccess.fromUrlSecret(new Secret(stack, 'Own', { encryptionKey: new Key(stack, 'Key') })),
    }));
    keyed.resourcePropertiesCountIs('AWS::IAM::Policy', policyWith('kms:Decrypt', 'secretsmanager'), 2);
  });

  test('allow a key of the user for all stores, each only through its service', () => {
    const keyed = synthesize((stack) => ({ encryptionKey: new Key(stack, 'Key') }));
    keyed.resourcePropertiesCountIs('AWS::IAM::Policy', policyWith('kms:Decrypt', 'dynamodb'), 2);
    keyed.resourcePropertiesCountIs('AWS::IAM::Policy', policyWith('kms:GenerateDataKey', 's3'), 2);
    keyed.resourcePropertiesCountIs('AWS::IAM::Policy', policyWith(['kms:Decrypt', 'kms:GenerateDataKey'], 'sqs'), 3);
    keyed.hasResourceProperties('AWS::KMS::Key', {
      KeyPolicy: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Principal: { Service: { 'Fn::Join': ['', ['logs.', { Ref: 'AWS::Region' }, '.amazonaws.com']] } },
            Condition: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': Match.anyValue() } },
          }),
        ]),
      },
    });
    const key = { 'Fn::GetAtt': [only(keyed, 'AWS::KMS::Key').id, 'Arn'] };
    keyed.allResourcesProperties('AWS::Logs::LogGroup', { KmsKeyId: key });
    keyed.hasResourceProperties('AWS::SQS::Queue', { KmsMasterKeyId: key });
    const encryption = { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: key };
    keyed.hasResourceProperties('AWS::S3::Bucket', {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: encryption, BucketKeyEnabled: true }],
      },
    });
    keyed.hasResourceProperties('AWS::DynamoDB::GlobalTable', {
      SSESpecification: { SSEEnabled: true, SSEType: 'KMS' },
      Replicas: [Match.objectLike({ SSESpecification: { KMSMasterKeyId: key } })],
    });
  });

  test('allow traces if tracing is on', () => {
    const traced = synthesize({ tracing: true });
    traced.allResourcesProperties('AWS::Lambda::Function', { TracingConfig: { Mode: 'Active' } });
    const traces = [['xray:PutTelemetryRecords', 'xray:PutTraceSegments'], '*'];
    for (const name of ['Forward', 'Reconcile', 'Redrive']) {
      expect(permissionsOf(traced, `Bullbridge${name}Role`)).toContainEqual(traces);
      expect(permissionsOf(template, `Bullbridge${name}Role`)).not.toContainEqual(traces);
    }
  });

  test.for(['Forward', 'Reconcile'])(
    'allow the schedule of %s to invoke the function itself, and only schedules of this account',
    (name) => {
      const { id } = only(template, 'AWS::Lambda::Function', `Bullbridge${name}`);
      const arn = { 'Fn::GetAtt': [id, 'Arn'] };
      expect(permissionsOf(template, `Bullbridge${name}SchedulerRole`)).toEqual([
        ['lambda:InvokeFunction', [arn, { 'Fn::Join': ['', [arn, ':$LATEST']] }]],
      ]);
      template.hasResourceProperties('AWS::IAM::Role', {
        AssumeRolePolicyDocument: {
          Statement: [
            Match.objectLike({
              Principal: { Service: 'scheduler.amazonaws.com' },
              Condition: { StringEquals: Match.objectLike({ 'aws:SourceAccount': { Ref: 'AWS::AccountId' } }) },
            }),
          ],
        },
      });
    },
  );

  test('allow network interfaces only in a network, with one security group for Redis to let in', () => {
    const inVpc = synthesize((stack) => ({ vpc: new Vpc(stack, 'Vpc') }));
    for (const name of ['Forward', 'Reconcile']) {
      const actions = permissionsOf(inVpc, `Bullbridge${name}Role`).flatMap(([action]) => action);
      expect(actions).toContain('ec2:CreateNetworkInterface');
    }
    const networks = Object.values(inVpc.findResources('AWS::Lambda::Function'))
      .map(({ Properties }) => Properties['VpcConfig'])
      .filter(Boolean);
    expect(networks).toHaveLength(2);
    expect(networks[1]).toEqual(networks[0]);
    inVpc.resourceCountIs('AWS::EC2::SecurityGroup', 1);
    expect(JSON.stringify(template.toJSON())).not.toContain('ec2:');
  });
});
