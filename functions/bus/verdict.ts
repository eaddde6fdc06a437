import type { EntryResult } from './eventbridge/port.ts';

/** What to do about an entry, or about a request that failed as a whole. */
export interface Verdict {
  /**
   * `throttled`: again, with fewer requests under way. `failed`: again. `refused`: no use to send it again; a request that is
   * refused as a whole (HTTP 413 among others) is sent in halves. `denied` and `missing`: an operator must mend it, no entry
   * is to blame.
   */
  readonly kind: 'accepted' | 'throttled' | 'failed' | 'refused' | 'denied' | 'missing';
  readonly code: string;
  readonly message: string;
}

const THROTTLED = /^(Throttl|TooManyRequests|RequestLimitExceeded|SlowDown|LimitExceeded)/;
const FAILED = /^(Internal|ServiceUnavailable|ServiceException|RequestTimeout|OperationAborted)/;
/** Codes of a missing permission, wrong or expired credentials, or an account that may not do it. */
const DENIED =
  /^(AccessDenied|NotAuthorized|InvalidAccountId|UnrecognizedClient|InvalidSignature|SignatureDoesNotMatch|ExpiredToken|InvalidClientTokenId|MissingAuthenticationToken|IncompleteSignature|OptInRequired|CredentialsProvider|TokenProvider)/;

const ACCEPTED: Verdict = { kind: 'accepted', code: '', message: '' };
const UNANSWERED: Verdict = {
  kind: 'failed',
  code: 'NoAnswer',
  message: 'the response has no result for the entry',
};

/**
 * Judges one entry of an answered request.
 *
 * A result that is missing, or has neither an id nor a code, says nothing: the entry is sent again.
 * https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
 */
export function judgeEntry(result: EntryResult | undefined): Verdict {
  const code = result?.ErrorCode;
  if (!code) return result?.EventId ? ACCEPTED : UNANSWERED;
  const message = result.ErrorMessage ?? '';
  if (THROTTLED.test(code)) return { kind: 'throttled', code, message };
  if (FAILED.test(code)) return { kind: 'failed', code, message };
  if (DENIED.test(code)) return { kind: 'denied', code, message };
  return { kind: 'refused', code, message };
}

/** Judges a request that failed as a whole, from what the AWS SDK threw. */
export function judgeFailure(error: unknown): Verdict {
  const {
    name = 'Error',
    message = String(error),
    $metadata,
  } = error as Partial<Error> & { $metadata?: { httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode;
  const verdict = (kind: Verdict['kind']): Verdict => ({ kind, code: name, message });
  if (THROTTLED.test(name) || status === 429) return verdict('throttled');
  if (DENIED.test(name) || status === 401 || status === 403) return verdict('denied');
  if (/^ResourceNotFound/.test(name)) return verdict('missing');
  // Without a status nothing was answered, or nothing that the SDK could read; 408 and 5xx are the service's own trouble.
  if (status === undefined || status < 400 || status >= 500 || status === 408 || FAILED.test(name))
    return verdict('failed');
  return verdict('refused');
}
