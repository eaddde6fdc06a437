import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Architecture, Code, Function as LambdaFunction, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { BUNDLES, bundleFile } from '../build/bundle.ts';
import { given } from './environment.ts';
import type { Environment } from './variables.ts';

export interface BundledFunctionProps {
  /** Name of the function: its folder in `functions/`. */
  readonly name: string;
  readonly description: string;
  readonly environment: Environment;
  readonly timeout: Duration;
  /** How long an invocation may wait until it starts. @default - as long as Lambda keeps it, six hours */
  readonly maxEventAge?: Duration | undefined;
  readonly memorySize: number;
  readonly reservedConcurrentExecutions?: number | undefined;
  readonly logRetention?: RetentionDays | undefined;
  readonly encryptionKey?: IKey | undefined;
  readonly tracing?: boolean | undefined;
  readonly vpc?: IVpc | undefined;
  readonly vpcSubnets?: SubnetSelection | undefined;
  readonly securityGroups?: ISecurityGroup[] | undefined;
}

/** A bundled function with its log group and a role that may only write to that log group. */
export class BundledFunction extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, props: BundledFunctionProps) {
    super(scope, id);
    const { vpc, vpcSubnets, securityGroups } = props;
    const logGroup = new LogGroup(this, 'Logs', {
      retention: props.logRetention ?? RetentionDays.ONE_MONTH,
      encryptionKey: props.encryptionKey,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // Not the default role of the CDK: its managed policies may write to every log group.
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(role);
    if (vpc) allowNetworkInterfaces(role);
    this.function = new LambdaFunction(this, 'Function', {
      description: props.description,
      code: bundleOf(props.name),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: props.memorySize,
      reservedConcurrentExecutions: props.reservedConcurrentExecutions,
      timeout: props.timeout,
      environment: given(props.environment),
      role,
      logGroup,
      vpc,
      vpcSubnets,
      securityGroups,
      // The next run is the retry: it continues where the failed run stopped.
      retryAttempts: 0,
      maxEventAge: props.maxEventAge,
      tracing: props.tracing ? Tracing.ACTIVE : undefined,
    });
    if (vpc || props.tracing) {
      Validations.of(role).acknowledge({
        id: 'AwsSolutions-IAM5[Resource::*]',
        reason: 'A policy cannot name a resource for network interfaces of Lambda or for traces.',
      });
    }
  }
}

function bundleOf(name: string): Code {
  const folder = join(BUNDLES, name);
  if (existsSync(bundleFile(name))) return Code.fromAsset(folder);
  throw new Error(`the bundle of the function "${name}" is missing, got nothing at ${folder}; run npm run build`);
}

// https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
function allowNetworkInterfaces(role: Role): void {
  role.addToPolicy(
    new PolicyStatement({
      actions: [
        'ec2:CreateNetworkInterface',
        'ec2:DescribeNetworkInterfaces',
        'ec2:DescribeSubnets',
        'ec2:DeleteNetworkInterface',
        'ec2:AssignPrivateIpAddresses',
        'ec2:UnassignPrivateIpAddresses',
      ],
      resources: ['*'],
    }),
  );
}
