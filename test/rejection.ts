import { expect } from 'vitest';
import { FunctionError } from '../local/lambda/function.ts';

/** What an invocation rejects with. */
export async function rejection(invocation: Promise<unknown>): Promise<FunctionError> {
  const error = await invocation.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(FunctionError);
  return error as FunctionError;
}
