import { Token } from 'aws-cdk-lib';

/** Throws where a value that is known at synthesis is not what is allowed. */
export function check<T>(prop: string, value: T | undefined, valid: (value: T) => boolean, allowed: string): void {
  if (value === undefined || Token.isUnresolved(value) || valid(value)) return;
  throw new Error(`${prop} must be ${allowed}, got ${JSON.stringify(value)}`);
}
