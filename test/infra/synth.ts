import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Bullbridge, type BullbridgeProps } from '../../infra/construct/bullbridge.ts';
import { RedisAccess } from '../../infra/construct/redis-access.ts';

/** The feature flags that the stack is deployed with. */
const { context } = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8'));

/** Of all apps of this process: each template is read as soon as it is written, and bundles need not be copied anew. */
const outdir = join(tmpdir(), `cdk.out-${process.pid}`);

/** An app with the project's own feature flags, and more context. */
export function createApp(more: Readonly<Record<string, unknown>> = {}): App {
  return new App({ outdir, context: { ...context, ...more } });
}

/** A stack with one construct; `props` may need the stack, for what exists already. */
export function createStack(props: Partial<BullbridgeProps> | ((stack: Stack) => Partial<BullbridgeProps>) = {}) {
  const stack = new Stack(createApp(), 'Test');
  const given = typeof props === 'function' ? props(stack) : props;
  const bullbridge = new Bullbridge(stack, 'Bullbridge', { redis: redisOf(stack), ...given });
  return { stack, bullbridge };
}

export function synthesize(props?: Parameters<typeof createStack>[0]): Template {
  return Template.fromStack(createStack(props).stack);
}

function redisOf(stack: Stack): RedisAccess {
  const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:bullbridge/redis-url-AbCdEf';
  return RedisAccess.fromUrlSecret(Secret.fromSecretCompleteArn(stack, 'RedisUrl', arn));
}

/** The one resource of a type whose logical id begins so. */
export function only(
  template: Template,
  type: string,
  prefix = '',
): { readonly id: string; readonly Properties: Record<string, unknown> } {
  const resources = Object.entries(template.findResources(type));
  const [entry, ...more] = resources.filter(([id]) => id.startsWith(prefix));
  if (entry === undefined || more.length > 0) throw new Error(`the template has not exactly one ${type} ${prefix}`);
  return { id: entry[0], Properties: entry[1]['Properties'] };
}

/** The statements of the role of a function: `[actions, resource]`, the resource as the template has it. */
export function permissionsOf(template: Template, rolePrefix: string): readonly (readonly [unknown, unknown])[] {
  const policies = Object.entries(template.findResources('AWS::IAM::Policy'));
  return policies
    .filter(([id]) => id.startsWith(rolePrefix))
    .flatMap(([, { Properties }]) => Properties['PolicyDocument']['Statement'])
    .map(({ Action, Resource }) => [Action, Resource] as const);
}

/** The variables of a function, those known at deployment as the template has them. */
export function environmentOf(template: Template, name = 'Forward'): Readonly<Record<string, unknown>> {
  const { Environment } = only(template, 'AWS::Lambda::Function', `Bullbridge${name}`).Properties as {
    Environment: { Variables: Record<string, unknown> };
  };
  return Environment.Variables;
}
