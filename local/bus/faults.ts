/** A fault of a whole call, of AWS or of the network. */
type CallFault =
  /** The call is refused; nothing is accepted. */
  | { readonly kind: 'error'; readonly status: number; readonly code: string; readonly message?: string }
  /** The call is never answered; nothing is accepted. */
  | { readonly kind: 'hang' }
  /** The connection breaks before anything is accepted. */
  | { readonly kind: 'reset' }
  /** Everything is accepted, but the answer is lost. */
  | { readonly kind: 'reset-after-accept' }
  /** The answer is not JSON, although its status is 200; nothing is accepted. */
  | { readonly kind: 'garbage' }
  /** The call is accepted at once, but answered only after these milliseconds. */
  | { readonly kind: 'late'; readonly milliseconds: number };

/** A fault of PutEvents: of the whole call, or of the results of its entries. */
export type Fault =
  | CallFault
  /** Some entries fail with these codes, by their index in the request; the others are accepted. */
  | { readonly kind: 'entries'; readonly codes: Readonly<Record<number, string>> }
  /** Everything is accepted, but the answer lacks the last result. */
  | { readonly kind: 'short' }
  /**
   * The result of one entry, by default the first, has neither an id nor a code; the entry is lost unless `accepted`.
   */
  | { readonly kind: 'blank'; readonly entry?: number; readonly accepted?: boolean };

/** Decides the fault of a call; `number` counts the calls of its kind from 1. */
export type FaultPlan<Request, Kind = CallFault> = (request: Request & { readonly number: number }) => Kind | undefined;
