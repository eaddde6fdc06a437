import { Stack, Validations } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';

/** Exactly what a function calls: `grantRead`, `sendMessages` and their like would allow more. */
export function allow(grantee: LambdaFunction, resources: string | readonly string[], ...actions: string[]): void {
  grantee.addToRolePolicy(new PolicyStatement({ actions, resources: [resources].flat() }));
}

/**
 * The use of a key through the one service that holds what is encrypted with it.
 *
 * In the policy of the role, so that it holds for a key of another stack too, whose own policy cannot be changed from here.
 */
export function allowKey(
  grantee: LambdaFunction,
  key: IKey | undefined,
  service: 'dynamodb' | 's3' | 'secretsmanager' | 'sqs',
  ...actions: ('Decrypt' | 'GenerateDataKey')[]
): void {
  if (key === undefined) return;
  const conditions = { StringEquals: { 'kms:ViaService': `${service}.${Stack.of(key).region}.amazonaws.com` } };
  const names = actions.map((action) => `kms:${action}`);
  grantee.addToRolePolicy(new PolicyStatement({ actions: names, resources: [key.keyArn], conditions }));
}

/** Tells cdk-nag why a role may reach all objects of a bucket; a principal outside of the app has no policy to look at. */
export function acknowledgeObjects(bucket: IBucket, role: object): void {
  if (!Construct.isConstruct(role)) return;
  Validations.of(role).acknowledge({
    id: `AwsSolutions-IAM5[Resource::${nameOf(bucket.arnForObjects('*'), bucket.stack)}]`,
    reason: 'Each object has a key of its own, the id of an event.',
  });
}

/** An ARN as cdk-nag writes it, with the names of what is not known yet. */
function nameOf(arn: string, stack: Stack): string {
  const resolved = stack.resolve(arn);
  if (typeof resolved === 'string') return resolved;
  const parts: (string | { Ref?: string; 'Fn::GetAtt'?: string[] })[] = resolved['Fn::Join'][1];
  const names = parts.map((part) =>
    typeof part === 'string' ? part : `<${part.Ref ?? part['Fn::GetAtt']?.join('.')}>`,
  );
  return names.join('');
}
