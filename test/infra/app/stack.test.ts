import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OPTIONS } from '../../../infra/app/options.ts';
import { BullbridgeStack } from '../../../infra/app/stack.ts';
import { buildSchemas } from '../../../infra/build/schemas.ts';
import { withName } from '../../titles.ts';
import { createApp, environmentOf, permissionsOf } from '../synth.ts';

let folder: string;
let caFile: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bullbridge-stack-'));
  caFile = join(folder, 'ca.pem');
  await writeFile(caFile, `${PEM}\n`);
  await buildSchemas();
});

afterAll(() => rm(folder, { recursive: true }));

const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----';

const createStack = (context?: Readonly<Record<string, unknown>>, env?: { account: string; region: string }) =>
  new BullbridgeStack(createApp(context), 'Bullbridge', { env });
const synthesize = (context?: Readonly<Record<string, unknown>>) => Template.fromStack(createStack(context));

test('the stack needs a secret with the name in cdk.json, and nothing else', () => {
  const template = synthesize();
  expect(environmentOf(template)['REDIS_URL_SECRET_ARN']).toBe('bullbridge/redis-url');
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

test('the stack reads its options from the context, also numbers and lists of cdk.json', () => {
  const secret = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mine-AbCdEf';
  const template = synthesize({
    redis: secret,
    redisCluster: true,
    redisCaFile: caFile,
    eventBusName: 'jobs',
    intervalMinutes: 2,
    tail: 'never',
    publisher: 'sdk',
    shards: 2,
    sweepSize: 500,
    reconcileIntervalMinutes: 10,
    queueMetrics: true,
    payloadBucketName: 'payloads',
    prefix: 'jobs',
    queues: 'emails, payments',
    events: ['completed', 'failed'],
    jobFields: 'trace+name, failed=name+opts.attempts,progress=',
    jobDataBytes: 1000,
    omit: ['failedReason', 'job.data.password'],
    sourceName: 'redis-1',
    startFrom: 'now, emails=beginning',
    memorySize: 512,
    encryptionKeyArn: 'arn:aws:kms:eu-west-1:123456789012:key/1',
    tracing: true,
    removalPolicy: 'destroy',
  });
  expect(environmentOf(template)).toMatchObject({
    REDIS_URL_SECRET_ARN: secret,
    BULLBRIDGE_REDIS_CLUSTER: 'true',
    BULLBRIDGE_REDIS_CA: PEM,
    PAYLOAD_BUCKET: 'payloads',
    BULLBRIDGE_INTERVAL_SECONDS: '120',
    BULLBRIDGE_TAIL: 'never',
    BULLBRIDGE_PUBLISHER: 'sdk',
    BULLBRIDGE_SWEEP_SIZE: '500',
    BULLBRIDGE_QUEUE_METRICS: 'true',
    BULLBRIDGE_PREFIX: 'jobs',
    BULLBRIDGE_QUEUES: 'emails,payments',
    BULLBRIDGE_EVENTS: 'completed,failed',
    BULLBRIDGE_JOB_FIELDS: 'name+trace,failed=name+opts.attempts,progress=',
    BULLBRIDGE_JOB_DATA_BYTES: '1000',
    BULLBRIDGE_OMIT: 'failedReason,job.data.password',
    BULLBRIDGE_SOURCE_NAME: 'redis-1',
    BULLBRIDGE_START_FROM: 'now,emails=beginning',
  });
  template.resourceCountIs('AWS::Events::EventBus', 0);
  template.resourceCountIs('AWS::S3::Bucket', 0);
  template.resourceCountIs('AWS::Scheduler::Schedule', 3);
  template.hasResourceProperties('AWS::Scheduler::Schedule', { ScheduleExpression: 'rate(10 minutes)' });
  template.allResourcesProperties('AWS::Lambda::Function', { MemorySize: 512, TracingConfig: { Mode: 'Active' } });
  template.allResourcesProperties('AWS::Logs::LogGroup', { KmsKeyId: Match.stringLikeRegexp(':key/1$') });
  template.hasResource('AWS::DynamoDB::GlobalTable', { DeletionPolicy: 'Delete' });
});

test('the stack asks Sentinels for the master', () => {
  expect(environmentOf(synthesize({ redisSentinel: 'jobs' }))).toMatchObject({ BULLBRIDGE_REDIS_SENTINEL: 'jobs' });
});

test('the stack accepts a cache with IAM instead of a secret', () => {
  const template = synthesize({ redis: 'rediss://bullbridge@jobs.example.com:6380', redisIam: 'memorydb:jobs' });
  expect(environmentOf(template)).toMatchObject({
    REDIS_URL: 'rediss://bullbridge@jobs.example.com:6380',
    BULLBRIDGE_REDIS_IAM: 'memorydb:jobs',
    BULLBRIDGE_REDIS_CLUSTER: 'true',
  });
  expect(JSON.stringify(template.toJSON())).not.toContain('secretsmanager');
});

test('the stack needs the option redis, and explains how to set it', () => {
  expect(() => createStack({ redis: undefined })).toThrowErrorMatchingInlineSnapshot(
    `[Error: context redis must name the Redis to read, got none: -c redis=<name or complete ARN of the secret with its URL>, or, with IAM, -c redis=rediss://<user>@<host>:6379 -c redisIam=<service>:<name>]`,
  );
});

test.for([
  ['a URL', { redis: 'redis://user:hunter2@host:6379' }],
  ['a URL without a protocol', { redis: 'user:hunter2@host' }],
  ['a URL with a password beside IAM', { redis: 'rediss://user:hunter2@host:6379', redisIam: 'elasticache:jobs' }],
  ['a password alone', { redis: 'hunter2', redisIam: 'elasticache:jobs' }],
  ['a URL with a database', { redis: 'rediss://user@hunter2/2', redisIam: 'elasticache:jobs' }],
  ['a URL with a database as a parameter', { redis: 'rediss://user@hunter2?db=2', redisIam: 'elasticache:jobs' }],
  ['several hosts', { redis: 'rediss://user@hunter2,two', redisIam: 'elasticache:jobs' }],
  ['a password that is not encoded', { redis: 'rediss://user:57#hunter2@host', redisIam: 'elasticache:jobs' }],
] as const)('the stack refuses %s as redis, and does not repeat the password', ([, context]) => {
  expect(() => createStack(context)).toThrow(/^context redis must .* not repeated here/);
  expect(() => createStack(context)).not.toThrow(/hunter2/);
});

test('the stack accepts a bus by its ARN, and the table and the queue of another stack', () => {
  const eventBusName = 'arn:aws:events:eu-west-1:210987654321:event-bus/jobs';
  const deadLetterQueueArn = 'arn:aws:sqs:eu-west-1:123456789012:parked';
  const template = synthesize({ eventBusName, checkpointTableName: 'positions', deadLetterQueueArn });
  expect(environmentOf(template)).toMatchObject({ EVENT_BUS_NAME: eventBusName, CHECKPOINT_TABLE: 'positions' });
  template.resourceCountIs('AWS::DynamoDB::GlobalTable', 0);
  template.resourceCountIs('AWS::SQS::Queue', 0);
});

test('the stack accepts a bucket with its key', () => {
  const payloadBucketKeyArn = 'arn:aws:kms:eu-west-1:123456789012:key/1';
  const template = synthesize({ payloadBucketName: 'payloads', payloadBucketKeyArn });
  expect(permissionsOf(template, 'BullbridgeForwardRole')).toContainEqual(['kms:GenerateDataKey', payloadBucketKeyArn]);
  expect(() => synthesize({ payloadBucketKeyArn })).toThrow('payloadBucketKeyArn needs payloadBucketName');
});

test('two stacks with default options have different names for their resources', () => {
  const app = createApp();
  const stacks = ['Bullbridge', 'Other'].map((id) => new BullbridgeStack(app, id));
  const templates = stacks.map((stack) => Template.fromStack(stack));
  const named = templates.map((template) => Object.values(template.toJSON()['Resources']).flatMap(namesOf).sort());
  expect(named).toEqual([['Bullbridge-Bullbridge'], ['Other-Bullbridge']]);
});

/** The physical names of a resource that are given in the template; an inline policy is named within its role. */
function namesOf(resource: unknown): string[] {
  const { Type, Properties = {} } = resource as { Type: string; Properties?: Record<string, unknown> };
  const name = Properties[Type === 'AWS::Events::EventBus' ? 'Name' : `${Type.split('::').at(-1)}Name`];
  return typeof name === 'string' && Type !== 'AWS::IAM::Policy' ? [name] : [];
}

test('the stack pauses', () => {
  synthesize({ enabled: 'false' }).allResourcesProperties('AWS::Scheduler::Schedule', { State: 'DISABLED' });
});

test('the stack has a registry of schemas if configured, and its name as an output', () => {
  const template = synthesize({ schemaRegistry: 'true' });

  template.resourceCountIs('AWS::EventSchemas::Registry', 1);
  expect(Object.keys(template.findOutputs('SchemaRegistry'))).toHaveLength(1);
  synthesize({}).resourceCountIs('AWS::EventSchemas::Registry', 0);
});

test('the stack has alarms with a topic and a dashboard, or none of them', () => {
  const arn = 'arn:aws:sns:eu-west-1:123456789012:alarms';
  const told = synthesize({ alarmTopicArn: arn });
  told.allResourcesProperties('AWS::CloudWatch::Alarm', { AlarmActions: [arn] });
  told.resourceCountIs('AWS::CloudWatch::Dashboard', 1);
  const none = synthesize({ alarms: false, dashboard: 'false' });
  none.resourceCountIs('AWS::CloudWatch::Alarm', 0);
  none.resourceCountIs('AWS::CloudWatch::Dashboard', 0);
});

test('the stack runs in a network, may connect to Redis, and has the group that Redis must let in as an output', () => {
  // Without an answer from AWS, the look-up gives a made-up network.
  const template = Template.fromStack(
    createStack(
      { vpcId: 'vpc-12345678', vpcEndpoints: 'true', redisSecurityGroupId: 'sg-12345678' },
      { account: '123456789012', region: 'eu-west-1' },
    ),
  );
  template.hasResourceProperties('AWS::Lambda::Function', { VpcConfig: { SubnetIds: Match.anyValue() } });
  template.resourceCountIs('AWS::EC2::VPCEndpoint', 5);
  template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', { GroupId: 'sg-12345678', FromPort: 6379 });
  template.hasOutput('SecurityGroupId', { Value: { 'Fn::GetAtt': Match.anyValue() } });
});

test.for(
  withName(
    [{ queue: 'emails' }, 'context queue is not known; did you mean queues?'],
    [{ profiel: 'x' }, `context profiel is not known; the options are ${OPTIONS.join(', ')}`],
    [{ queues: '' }, 'context queues must not be empty; leave it out for the default'],
    [
      { queues: 'emails,,payments' },
      'queues must be a list of names without commas, colons or spaces around them; leave it out for the default, got ""',
    ],
    [
      { startFrom: 'now,emails' },
      'context startFrom must be "beginning" or "now", then queue=beginning or queue=now, got "now,emails"',
    ],
    [{ intervalMinutes: 'often' }, 'context intervalMinutes must be a whole number of minutes, got "often"'],
    [{ redisUrl: 'redis://host' }, `context redisUrl is not known; the options are ${OPTIONS.join(', ')}`],
    [
      { redisIam: 'jobs', redis: 'rediss://bullbridge@host' },
      'context redisIam must be elasticache:<replication group>, elasticache-serverless:<cache> or memorydb:<cluster>, got "jobs"',
    ],
    [{ redisCluster: 'yes' }, 'context redisCluster must be true or false, got "yes"'],
    [{ tail: 'maybe' }, 'tail must be auto, always or never, got "maybe"'],
    [{ vpcEndpoints: 'true' }, 'vpcEndpoints needs the prop vpc, got none'],
    [{ alarms: 'yes' }, 'context alarms must be true or false, got "yes"'],
    [{ removalPolicy: 'keep' }, 'context removalPolicy must be retain or destroy, got "keep"'],
  ),
)('the stack refuses %s', ([, context, fault]) => {
  expect(() => createStack(context)).toThrow(new Error(fault));
});
