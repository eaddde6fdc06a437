/** A way for a call as a whole to go wrong, as AWS or the network between can. */
type CallFault =
  /** The call is refused; nothing is accepted. */
  | { readonly kind: 'error'; readonly status: number; readonly code: string; readonly message?: string }
  /** Never answered; nothing is accepted. */
  | { readonly kind: 'hang' }
  /** The connection breaks before anything is accepted. */
  | { readonly kind: 'reset' }
  /** Everything is accepted, and the answer is lost. */
  | { readonly kind: 'reset-after-accept' }
  /** The answer is no JSON, though its status is 200; nothing is accepted. */
  | { readonly kind: 'garbage' }
  /** Accepted at once, answered only after these milliseconds. */
  | { readonly kind: 'late'; readonly milliseconds: number };

/** A way for PutEvents to go wrong: as a whole, or in the results of its entries. */
export type Fault =
  | CallFault
  /** These entries fail with these codes, by their place in the request; the others are accepted. */
  | { readonly kind: 'entries'; readonly codes: Readonly<Record<number, string>> }
  /** Everything is accepted, but the answer lacks the last result. */
  | { readonly kind: 'short' }
  /** The result of one entry, the first unless said, has neither an id nor a code; the entry is lost unless `accepted`. */
  | { readonly kind: 'blank'; readonly entry?: number; readonly accepted?: boolean };

/** Decides what goes wrong with a call; `number` counts the calls of its kind from 1. */
export type FaultPlan<Request, Kind = CallFault> = (request: Request & { readonly number: number }) => Kind | undefined;
