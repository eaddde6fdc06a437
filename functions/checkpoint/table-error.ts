import { CheckpointError, type CheckpointErrorCode, explain, type Fault } from '../errors.ts';

export const TABLE_FAULTS: Readonly<Record<CheckpointErrorCode, Fault>> = {
  TABLE_MISSING: {
    cause: 'There is no checkpoint table',
    remedy: 'create it (string keys pk and sk), or set CHECKPOINT_TABLE to one that exists',
  },
  TABLE_DENIED: {
    cause: 'The checkpoint table may not be used',
    remedy: 'grant dynamodb:BatchGetItem, dynamodb:UpdateItem and dynamodb:Query on it',
  },
  TABLE_UNAVAILABLE: {
    cause: 'The checkpoint table does not answer',
    remedy: 'the next run tries again',
    passes: true,
  },
  TABLE_FORMAT: {
    cause: 'A newer bullbridge wrote the checkpoint table',
    remedy: 'upgrade this one',
  },
};

/** The error of a failed call to DynamoDB: the table, the cause and the remedy. */
export function checkpointError(error: unknown, table: string): CheckpointError {
  const { name = 'Error', message = String(error) } = error as Partial<Error>;
  const code = codeOf(name);
  const options = code === 'TABLE_UNAVAILABLE' ? { cause: error } : {};
  return new CheckpointError(code, explain(TABLE_FAULTS[code], `"${table}"`, `${name}: ${message}`), options);
}

function codeOf(name: string): CheckpointErrorCode {
  if (/ResourceNotFound/.test(name)) return 'TABLE_MISSING';
  const isDenied = /AccessDenied|UnrecognizedClient|InvalidSignature|ExpiredToken|CredentialsProvider/.test(name);
  return isDenied ? 'TABLE_DENIED' : 'TABLE_UNAVAILABLE';
}
