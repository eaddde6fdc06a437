import type { EntryResult } from './eventbridge/port.ts';
import { type Kind, kindOfEntry, kindOfFailure } from './verdict-codes.ts';

/** A verdict on an entry, or on a request that failed as a whole, with its reason. */
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

/** A signature that is refused only because of the clock; the next request is signed with the correct time. */
const SKEWED = /signature (expired|not yet current)/i;

/**
 * Judges an entry by its result.
 *
 * If the result is missing, or has neither an id nor a code, the entry is sent again.
 * https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
 */
export function judgeEntry(result: EntryResult | undefined): Verdict {
  const code = result?.ErrorCode;
  if (code) return { kind: kindOfEntry(code), code, message: result.ErrorMessage ?? '' };
  return result?.EventId ? ACCEPTED : UNANSWERED;
}

/** Judges a request that failed as a whole by the error of the AWS SDK. */
export function judgeFailure(error: unknown): Verdict {
  const {
    name = 'Error',
    message = String(error),
    $metadata,
  } = error as Partial<Error> & { $metadata?: { httpStatusCode?: number } };
  const kind = SKEWED.test(message) ? 'failed' : kindOfFailure(name, $metadata?.httpStatusCode);
  return { kind, code: name, message };
}
