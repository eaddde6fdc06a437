import { expect } from 'vitest';
import { RedisError } from '../../functions/errors.ts';
import { rejectionWith } from '../rejection.ts';

/** In every URL of a test that expects a failure; in no failure. */
export const PASSWORD = 'correct-horse-battery';

/** What an attempt fails with, which never says the password. */
export async function failure(attempt: Promise<unknown>): Promise<RedisError> {
  const error = await rejectionWith(RedisError, attempt);
  expect(inspectDeep(error)).not.toContain(PASSWORD);
  return error;
}

/** All that a log could print of an error. */
export function inspectDeep(error: unknown): string {
  const { name, message, stack, cause } = error as Error;
  return [name, message, stack, JSON.stringify(error), cause ? inspectDeep(cause) : ''].join('\n');
}
