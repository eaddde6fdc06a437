import { Match, type Template } from 'aws-cdk-lib/assertions';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildFunctions } from '../../infra/build.ts';
import { only, permissionsOf, synthesize } from './synth.ts';

let template: Template;

beforeAll(async () => {
  await buildFunctions();
  template = synthesize();
});

describe('what may be done', () => {
  test('allows the function exactly what it calls', () => {
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
          [
            "events:DescribeEventBus",
            "events:PutEvents",
          ],
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
          "secretsmanager:GetSecretValue",
          "arn:aws:secretsmanager:eu-west-1:123456789012:secret:bullbridge/redis-url-AbCdEf",
        ],
      ]
    `);
    template.resourcePropertiesCountIs('AWS::IAM::Role', { ManagedPolicyArns: Match.anyValue() }, 0);
  });

  test('allows a secret known by its name, whose ARN has an unknown end', () => {
    const named = synthesize((stack) => ({ redisUrlSecret: Secret.fromSecretNameV2(stack, 'Named', 'redis') }));
    const [, resource] =
      permissionsOf(named, 'BullbridgeForwardRole').find(([actions]) => actions === 'secretsmanager:GetSecretValue') ??
      [];
    expect(JSON.stringify(resource)).toContain(':secret:redis-??????');
  });

  test('allows the key of a secret, through Secrets Manager only', () => {
    const keyed = synthesize((stack) => ({
      redisUrlSecret: new Secret(stack, 'Own', { encryptionKey: new Key(stack, 'Key') }),
    }));
    keyed.hasResourceProperties('AWS::KMS::Key', {
      KeyPolicy: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: 'kms:Decrypt',
            Principal: { AWS: { 'Fn::GetAtt': [Match.stringLikeRegexp('ForwardRole'), 'Arn'] } },
            Condition: { StringEquals: { 'kms:ViaService': Match.anyValue() } },
          }),
        ]),
      },
    });
  });

  test('allows the schedule the function itself, and only schedules of this account', () => {
    const { id } = only(template, 'AWS::Lambda::Function');
    const arn = { 'Fn::GetAtt': [id, 'Arn'] };
    expect(permissionsOf(template, 'BullbridgeForwardSchedulerRole')).toEqual([
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
  });

  test('allows network interfaces in a network only', () => {
    const inVpc = synthesize((stack) => ({ vpc: new Vpc(stack, 'Vpc') }));
    const actions = permissionsOf(inVpc, 'BullbridgeForwardRole').flatMap(([action]) => action);
    expect(actions).toContain('ec2:CreateNetworkInterface');
    inVpc.hasResourceProperties('AWS::Lambda::Function', { VpcConfig: { SubnetIds: Match.anyValue() } });
    expect(JSON.stringify(template.toJSON())).not.toContain('ec2:');
  });
});
