import { Duration, Stack } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Schedule, ScheduleExpression, ScheduleTargetInput } from 'aws-cdk-lib/aws-scheduler';
import { LambdaInvoke } from 'aws-cdk-lib/aws-scheduler-targets';
import type { Construct } from 'constructs';
import { BundledFunction, type BundledFunctionProps } from './bundled-function.ts';

/** https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html */
const MAX_EVENT_AGE = Duration.hours(6);

interface ScheduledFunctionProps extends Omit<BundledFunctionProps, 'maxEventAge'> {
  readonly interval: Duration;
  /** Whether the schedules start runs. */
  readonly enabled: boolean;
  /** The payloads of the runs of an interval; each has its own schedule. */
  readonly payloads: readonly unknown[];
}

/** A bundled function with a schedule for each of its payloads. */
export class ScheduledFunction extends BundledFunction {
  constructor(scope: Construct, id: string, { interval, enabled, payloads, ...props }: ScheduledFunctionProps) {
    // If a run cannot start before the next one (no concurrency is left), it has nothing left to do.
    const maxEventAge = interval.toSeconds() < MAX_EVENT_AGE.toSeconds() ? interval : MAX_EVENT_AGE;
    super(scope, id, { ...props, maxEventAge });
    const role = this.schedulerRole();
    for (const [index, payload] of payloads.entries()) {
      new Schedule(this, index === 0 ? 'Schedule' : `Schedule${index}`, {
        description: props.description,
        enabled,
        schedule: ScheduleExpression.rate(interval),
        target: new LambdaInvoke(this.function, {
          input: ScheduleTargetInput.fromObject(payload),
          role,
          // The next run is the retry. There is no dead-letter queue either: every invocation has the same payload.
          retryAttempts: 0,
        }),
      });
    }
  }

  /** A role that may invoke the function; the grant of the target itself would add a wildcard for its versions. */
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
