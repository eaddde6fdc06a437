import type { EntryResult } from './eventbridge/port.ts';
import { type Kind, kindOfEntry, kindOfFailure } from './verdict-codes.ts';

/** What to do about an entry, or about a request that failed as a whole, and why. */
export interface Verdict {
  readonly kind: Kind;
  readonly code: string;
  readonly message: string;
}

const ACCEPTED: Verdict = { kind: 'accepted', code: '', message: '' };
const UNANSWERED: Verdict = {
  kind: 'failed',
  code: 'NoAnswer',
  message: 'the response has no result for the entry',
};

/** A signature that is refused only because of the clock: the next request is signed with the right time. */
const SKEWED = /signature (expired|not yet current)/i;

/**
 * Judges one entry of an answered request.
 *
 * A result that is missing, or has neither an id nor a code, says nothing: the entry is sent again.
 * https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
 */
export function judgeEntry(result: EntryResult | undefined): Verdict {
  const code = result?.ErrorCode;
  if (code) return { kind: kindOfEntry(code), code, message: result.ErrorMessage ?? '' };
  return result?.EventId ? ACCEPTED : UNANSWERED;
}

/** Judges a request that failed as a whole, from what the AWS SDK threw. */
export function judgeFailure(error: unknown): Verdict {
  const {
    name = 'Error',
    message = String(error),
    $metadata,
  } = error as Partial<Error> & { $metadata?: { httpStatusCode?: number } };
  const kind = SKEWED.test(message) ? 'failed' : kindOfFailure(name, $metadata?.httpStatusCode);
  return { kind, code: name, message };
}
