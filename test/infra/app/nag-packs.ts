import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack, Validations } from 'aws-cdk-lib';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks } from 'cdk-nag';
import { Bullbridge, type BullbridgeProps } from '../../../infra/construct/bullbridge.ts';
import { RedisAccess } from '../../../infra/construct/redis-access.ts';

// What cdk-nag finds in a construct with default props, and in one with all that makes it stricter, as JSON: the rules
// by stack. A process of its own, since the tests synthesize without validation, which prints its findings.
const { context } = JSON.parse(readFileSync(new URL('../../../cdk.json', import.meta.url), 'utf8'));
const outdir = mkdtempSync(join(tmpdir(), 'bullbridge-nag-'));
const app = new App({ outdir, context });

function add(id: string, propsOf: (stack: Stack) => Partial<BullbridgeProps> = () => ({})): void {
  const stack = new Stack(app, id, { env: { account: '123456789012', region: 'eu-west-1' } });
  const redis = RedisAccess.fromUrlSecret(Secret.fromSecretNameV2(stack, 'RedisUrl', 'redis'));
  new Bullbridge(stack, 'Bullbridge', { redis, ...propsOf(stack) });
}

add('Defaults');
add('Strict', (stack) => ({
  encryptionKey: Key.fromKeyArn(
    stack,
    'Key',
    'arn:aws:kms:eu-west-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef',
  ),
  vpc: Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-0123456789abcdef0',
    availabilityZones: ['eu-west-1a'],
    privateSubnetIds: ['subnet-0123456789abcdef0'],
    privateSubnetRouteTableIds: ['rtb-0123456789abcdef0'],
  }),
  redriveInVpc: true,
  tracing: true,
  reservedConcurrentExecutions: 2,
  alarmAction: new SnsAction(Topic.fromTopicArn(stack, 'Topic', 'arn:aws:sns:eu-west-1:123456789012:alarms')),
}));
Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new NIST80053R5Checks(app), new ServerlessChecks(app));
try {
  app.synth();
} catch (error) {
  // That there are findings is no failure here.
  if (!existsSync(join(outdir, 'validation-report.json'))) throw error;
}

interface Violation {
  readonly ruleName: string;
  readonly violatingConstructs: readonly { readonly constructPath: string }[];
}
const report: { readonly pluginReports: readonly { readonly violations: readonly Violation[] }[] } = JSON.parse(
  readFileSync(join(outdir, 'validation-report.json'), 'utf8'),
);
rmSync(outdir, { recursive: true });
const found: Record<string, Set<string>> = { Defaults: new Set(), Strict: new Set() };
for (const { ruleName, violatingConstructs } of report.pluginReports.flatMap(({ violations }) => violations)) {
  for (const { constructPath } of violatingConstructs) found[constructPath.split('/')[0] ?? '']?.add(ruleName);
}
console.log(JSON.stringify(Object.fromEntries(Object.entries(found).map(([stack, rules]) => [stack, [...rules]]))));
