import type { Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Port, SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { expect, test } from 'vitest';
import { RedisAccess } from '../../../infra/construct/redis-access.ts';
import { createStack, only, synthesize } from '../synth.ts';

const IAM = { service: 'elasticache', name: 'jobs', host: 'jobs.example.com', userId: 'bullbridge' } as const;

const besideRedis = (stack: Stack, sentinel?: string) => {
  const vpc = new Vpc(stack, 'Vpc');
  const securityGroup = new SecurityGroup(stack, 'RedisGroup', { vpc });
  const secret = Secret.fromSecretNameV2(stack, 'Named', 'redis');
  return { vpc, redis: RedisAccess.fromUrlSecret(secret, { securityGroup, sentinel }) };
};

test.for([
  ['of Redis', undefined, [6379]],
  ['of Redis and of its Sentinels', 'jobs', [6379, 26379]],
] as const)('the functions may connect to the ports %s', ([, sentinel, ports]) => {
  const template = synthesize((stack) => besideRedis(stack, sentinel));
  const rules = Object.values(template.findResources('AWS::EC2::SecurityGroupIngress'));
  const { id } = only(template, 'AWS::EC2::SecurityGroup', 'BullbridgeForward');
  const { id: redis } = only(template, 'AWS::EC2::SecurityGroup', 'RedisGroup');
  expect(rules.map(({ Properties }) => Properties)).toEqual(
    ports.map((port) =>
      expect.objectContaining({
        IpProtocol: 'tcp',
        FromPort: port,
        ToPort: port,
        GroupId: { 'Fn::GetAtt': [redis, 'GroupId'] },
        SourceSecurityGroupId: { 'Fn::GetAtt': [id, 'GroupId'] },
      }),
    ),
  );
});

test('a security group of the user without outbound rules gets a rule for Redis', () => {
  const template = synthesize((stack) => {
    const beside = besideRedis(stack);
    const options = { vpc: beside.vpc, allowAllOutbound: false };
    return { ...beside, securityGroups: [new SecurityGroup(stack, 'Own', options)] };
  });
  template.hasResourceProperties('AWS::EC2::SecurityGroupEgress', {
    GroupId: { 'Fn::GetAtt': [only(template, 'AWS::EC2::SecurityGroup', 'Own').id, 'GroupId'] },
    DestinationSecurityGroupId: Match.anyValue(),
    FromPort: 6379,
  });
});

test('the redrive function runs in the network if configured, and connections belong to all functions', () => {
  const { stack, bullbridge } = createStack((scope) => ({ vpc: new Vpc(scope, 'Vpc'), redriveInVpc: true }));
  const cache = new SecurityGroup(stack, 'Cache', { vpc: new Vpc(stack, 'Other') });
  cache.connections.allowFrom(bullbridge, Port.tcp(6379));
  const template = Template.fromStack(stack);
  template.resourcePropertiesCountIs('AWS::Lambda::Function', { VpcConfig: Match.anyValue() }, 3);
  template.resourceCountIs('AWS::EC2::SecurityGroup', 2);
  template.resourcePropertiesCountIs('AWS::EC2::SecurityGroupIngress', { FromPort: 6379 }, 1);
});

test('the endpoints that the functions call are created only if configured', () => {
  const template = synthesize((stack) => ({ vpc: new Vpc(stack, 'Vpc'), vpcEndpoints: true }));
  const servicesOf = (type: string) =>
    Object.values(template.findResources('AWS::EC2::VPCEndpoint', { Properties: { VpcEndpointType: type } })).map(
      ({ Properties }) => JSON.stringify(Properties['ServiceName']).match(/\w+(?="\]|"$)/)?.[0],
    );
  expect(servicesOf('Gateway')).toEqual(['dynamodb', 's3']);
  expect(servicesOf('Interface')).toEqual(['events', 'sqs', 'secretsmanager']);
  template.allResourcesProperties('AWS::EC2::VPCEndpoint', { VpcId: Match.anyValue() });
  synthesize((stack) => ({ vpc: new Vpc(stack, 'Vpc') })).resourceCountIs('AWS::EC2::VPCEndpoint', 0);
});

test('no endpoint for secrets is created with IAM, which needs no secret', () => {
  const template = synthesize((stack) => ({
    vpc: new Vpc(stack, 'Vpc'),
    vpcEndpoints: true,
    redis: RedisAccess.withIam(IAM),
  }));
  template.resourceCountIs('AWS::EC2::VPCEndpoint', 4);
});

test('endpoints and a security group of Redis are refused without a network', () => {
  expect(() => createStack({ vpcEndpoints: true })).toThrow('vpcEndpoints needs the prop vpc, got none');
  expect(() => createStack((stack) => ({ ...besideRedis(stack), vpc: undefined }))).toThrow(
    'the securityGroup of redis needs the prop vpc, got none',
  );
});
