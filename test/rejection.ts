import { expect } from 'vitest';
import { FunctionError } from '../local/lambda/function.ts';

/** What an invocation rejects with. */
export function rejection(invocation: Promise<unknown>): Promise<FunctionError> {
  return rejectionWith(FunctionError, invocation);
}

/** What is rejected with, which must be an error of this kind. */
export async function rejectionWith<T>(kind: new (...args: never[]) => T, attempt: Promise<unknown>): Promise<T> {
  const error = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(kind);
  return error as T;
}
