import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Schedule, ScheduleExpression, ScheduleTargetInput } from 'aws-cdk-lib/aws-scheduler';
import { LambdaInvoke } from 'aws-cdk-lib/aws-scheduler-targets';
import { Construct } from 'constructs';
import { BUNDLE_FILE, BUNDLES } from './bundle.ts';
import { type Environment, given } from './environment.ts';

/** https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html */
const MAX_EVENT_AGE = Duration.hours(6);

interface ScheduledFunctionProps {
  /** Name of the function: its folder in `functions/`. */
  readonly name: string;
  readonly description: string;
  readonly environment: Environment;
  readonly interval: Duration;
  readonly timeout: Duration;
  readonly payload: unknown;
  readonly memorySize?: number | undefined;
  readonly logRetention?: RetentionDays | undefined;
  readonly vpc?: IVpc | undefined;
  readonly vpcSubnets?: SubnetSelection | undefined;
  readonly securityGroups?: ISecurityGroup[] | undefined;
}

/** A bundled function with its logs, its schedule and a role that may write those logs, and nothing more. */
export class ScheduledFunction extends Construct {
  readonly function: LambdaFunction;

  constructor(scope: Construct, id: string, props: ScheduledFunctionProps) {
    super(scope, id);
    const { interval, timeout, vpc, vpcSubnets, securityGroups } = props;
    const logGroup = new LogGroup(this, 'Logs', {
      retention: props.logRetention ?? RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // A role of its own: the one that CDK makes comes with managed policies, which may write to every log group.
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(role);
    if (vpc) allowNetworkInterfaces(role);
    this.function = new LambdaFunction(this, 'Function', {
      description: props.description,
      code: bundleOf(props.name),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: props.memorySize ?? 256,
      timeout,
      environment: given(props.environment),
      role,
      logGroup,
      vpc,
      vpcSubnets,
      securityGroups,
      // The next run is the retry: it goes on from the position that a failed one left. A run that could not start
      // before the next one (the account's concurrency was used up) has nothing left to do.
      retryAttempts: 0,
      maxEventAge: interval.toSeconds() < MAX_EVENT_AGE.toSeconds() ? interval : MAX_EVENT_AGE,
    });
    new Schedule(this, 'Schedule', {
      description: props.description,
      schedule: ScheduleExpression.rate(interval),
      target: new LambdaInvoke(this.function, {
        input: ScheduleTargetInput.fromObject(props.payload),
        role: this.schedulerRole(),
        // As above. No dead-letter queue either: a missed invocation carries nothing that the next does not.
        retryAttempts: 0,
      }),
    });
  }

  /** May invoke the function itself; the target's own grant would add a wildcard, for each of its versions. */
  private schedulerRole() {
    const stack = Stack.of(this);
    const group = stack.formatArn({ service: 'scheduler', resource: 'schedule-group', resourceName: 'default' });
    const role = new Role(this, 'SchedulerRole', {
      // For schedules of this account and group only.
      // https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': stack.account, 'aws:SourceArn': group } },
      }),
    });
    this.function.grantInvokeLatestVersion(role);
    return role.withoutPolicyUpdates();
  }
}

function bundleOf(name: string): Code {
  const folder = join(BUNDLES, name);
  if (existsSync(join(folder, BUNDLE_FILE))) return Code.fromAsset(folder);
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
  Validations.of(role).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason:
      'Lambda asks for these actions, for its network interfaces, on all resources: their ids are not known before.',
  });
}
