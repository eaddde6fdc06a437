import { Stack, Token, Validations } from 'aws-cdk-lib';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';

/** Allows exactly the given actions; `grantRead`, `grantSendMessages` and the like would allow more. */
export function allow(grantee: LambdaFunction, resources: string | readonly string[], ...actions: string[]): void {
  grantee.addToRolePolicy(new PolicyStatement({ actions, resources: [resources].flat() }));
}

/**
 * Lets a function publish events, but only with the sources of bullbridge.
 *
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
 */
export function allowPut(grantee: LambdaFunction, { eventBusArn }: IEventBus): void {
  const conditions = { StringEquals: { 'events:source': ['bullmq', 'bullbridge'] } };
  grantee.addToRolePolicy(new PolicyStatement({ actions: ['events:PutEvents'], resources: [eventBusArn], conditions }));
}

type KeyService = 'dynamodb' | 's3' | 'secretsmanager' | 'sqs';
type KeyAction = 'Decrypt' | 'GenerateDataKey';

/**
 * Statements that allow the use of a key, but only through the service that stores the encrypted data; none without a
 * key.
 *
 * They belong into the policy of a role, so that they also work for a key of another stack, whose own policy cannot be
 * changed from here.
 */
export function keyStatement(key: IKey | undefined, service: KeyService, ...actions: KeyAction[]): PolicyStatement[] {
  if (key === undefined) return [];
  const conditions = { StringEquals: { 'kms:ViaService': `${service}.${Stack.of(key).region}.amazonaws.com` } };
  const names = actions.map((action) => `kms:${action}`);
  return [new PolicyStatement({ actions: names, resources: [key.keyArn], conditions })];
}

/** Lets a function use a key; see {@link keyStatement}. */
export function allowKey(
  grantee: LambdaFunction,
  key: IKey | undefined,
  service: KeyService,
  ...actions: KeyAction[]
): void {
  for (const statement of keyStatement(key, service, ...actions)) grantee.addToRolePolicy(statement);
}

/**
 * The keys of a source in a bucket, as a pattern for policies: `default/bull:*`. Each key is the id of an event.
 *
 * Characters with a meaning in a policy, or for a tool that reads policies (the braces of `{bull}`), become `?`, which
 * matches any character.
 */
export function keysOf(sourceName: string, prefix: string): string {
  const source = `${sourceName}/${prefix}`;
  return `${Token.isUnresolved(source) ? source : source.replaceAll(/[^\w./:=@+-]/gu, '?')}:*`;
}

/**
 * Acknowledges for cdk-nag that a role may reach many objects of a bucket; cdk-nag checks no policy of a principal
 * outside the app.
 */
export function acknowledgeObjects(bucket: IBucket, keys: string, role: object): void {
  if (!Construct.isConstruct(role)) return;
  Validations.of(role).acknowledge({
    id: `AwsSolutions-IAM5[Resource::${nameOf(bucket.arnForObjects(keys), bucket.stack)}]`,
    reason: 'Each object has its own key, the id of an event.',
  });
}

/** An ARN as cdk-nag writes it: parts that are not known yet have the name of their resource. */
function nameOf(arn: string, stack: Stack): string {
  const resolved = stack.resolve(arn);
  if (typeof resolved === 'string') return resolved;
  const parts: (string | { Ref?: string; 'Fn::GetAtt'?: string[] })[] = resolved['Fn::Join'][1];
  const names = parts.map((part) =>
    typeof part === 'string' ? part : `<${part.Ref ?? part['Fn::GetAtt']?.join('.')}>`,
  );
  return names.join('');
}
