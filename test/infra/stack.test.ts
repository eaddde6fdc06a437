import { Match, Template } from 'aws-cdk-lib/assertions';
import { beforeAll, expect, test } from 'vitest';
import { buildFunctions } from '../../infra/build.ts';
import { BullbridgeStack } from '../../infra/stack.ts';
import { createApp, environmentOf } from './synth.ts';

beforeAll(async () => {
  await buildFunctions();
});

const createStack = (context?: Readonly<Record<string, unknown>>, env?: { account: string; region: string }) =>
  new BullbridgeStack(createApp(context), 'Bullbridge', { env });
const synthesize = (context?: Readonly<Record<string, unknown>>) => Template.fromStack(createStack(context));

test('needs nothing but what cdk.json says: a secret with a name', () => {
  const template = synthesize();
  expect(JSON.stringify(environmentOf(template)['REDIS_URL_SECRET_ARN'])).toContain(':secret:bullbridge/redis-url"');
  expect(Object.keys(template.findOutputs('*'))).toEqual([
    'EventBusName',
    'EventBusArn',
    'CheckpointTable',
    'DeadLetterQueueUrl',
    'ForwardFunction',
    'PayloadBucket',
    'ReconcileFunction',
    'RedriveFunction',
  ]);
});

test('takes its options from the context, also where cdk.json has numbers and lists', () => {
  const secret = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine-AbCdEf';
  const template = synthesize({
    redis: secret,
    eventBusName: 'jobs',
    intervalMinutes: 2,
    prefix: 'jobs',
    queues: 'emails, payments',
    events: ['completed', 'failed'],
    sourceName: 'redis-1',
    startFrom: 'now, emails=beginning',
    removalPolicy: 'destroy',
  });
  expect(environmentOf(template)).toMatchObject({
    REDIS_URL_SECRET_ARN: secret,
    BULLBRIDGE_INTERVAL_SECONDS: '120',
    BULLBRIDGE_PREFIX: 'jobs',
    BULLBRIDGE_QUEUES: 'emails,payments',
    BULLBRIDGE_EVENTS: 'completed,failed',
    BULLBRIDGE_SOURCE_NAME: 'redis-1',
    BULLBRIDGE_START_FROM: 'now,emails=beginning',
  });
  template.resourceCountIs('AWS::Events::EventBus', 0);
  template.hasResource('AWS::DynamoDB::GlobalTable', { DeletionPolicy: 'Delete' });
});

test('runs in a network, and says which group Redis must let in', () => {
  // Without an answer from AWS, the look-up gives a made-up network.
  const template = Template.fromStack(
    createStack({ vpcId: 'vpc-12345678' }, { account: '123456789012', region: 'eu-west-1' }),
  );
  template.hasResourceProperties('AWS::Lambda::Function', { VpcConfig: { SubnetIds: Match.anyValue() } });
  template.hasOutput('SecurityGroupId', { Value: { 'Fn::GetAtt': Match.anyValue() } });
});

test.for([
  [{ queue: 'emails' }, 'context queue is not known, did you mean queues?'],
  [{ queues: '' }, 'context queues must not be empty; leave it out for the default'],
  [
    { queues: 'emails,,payments' },
    'queues must be a list of names without commas, colons or spaces around them; leave it out for the default, got ""',
  ],
  [
    { startFrom: 'now,emails' },
    'context startFrom must be "beginning" or "now", then queue=beginning or queue=now, got "now,emails"',
  ],
  [{ intervalMinutes: 'often' }, 'context intervalMinutes must be a whole number, got "often"'],
  [{ removalPolicy: 'keep' }, 'context removalPolicy must be retain or destroy, got "keep"'],
] as const)('refuses %j', ([context, fault]) => {
  expect(() => createStack(context)).toThrow(new Error(fault));
});
