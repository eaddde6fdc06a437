import { CheckpointError } from '../errors.ts';

/** Says of a failed call to DynamoDB which table it was, why, and what to do. */
export function checkpointError(error: unknown, table: string): CheckpointError {
  const { name = 'Error', message = String(error) } = error as Partial<Error>;
  const said = `${name}: ${message}`;
  if (/ResourceNotFound/.test(name)) {
    return new CheckpointError(
      'TABLE_MISSING',
      `There is no checkpoint table "${table}"; create it (string keys pk and sk), or set CHECKPOINT_TABLE to one that exists.`,
    );
  }
  if (/AccessDenied|UnrecognizedClient|InvalidSignature|ExpiredToken|CredentialsProvider/.test(name)) {
    return new CheckpointError(
      'TABLE_DENIED',
      `The checkpoint table "${table}" may not be used (${said}); grant dynamodb:BatchGetItem, dynamodb:UpdateItem and dynamodb:Query on it.`,
    );
  }
  return new CheckpointError(
    'TABLE_UNAVAILABLE',
    `The checkpoint table "${table}" does not answer (${said}); nothing is skipped, the next run tries again.`,
    { cause: error },
  );
}
