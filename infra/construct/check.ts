import { Token } from 'aws-cdk-lib';

/** @throws Error for a value that is known at synthesis and not allowed */
export function check<T>(prop: string, value: T | undefined, valid: (value: T) => boolean, allowed: string): void {
  if (value === undefined || Token.isUnresolved(value) || valid(value)) return;
  throw new Error(`${prop} must be ${allowed}, got ${JSON.stringify(value)}`);
}
