/** A way for the local endpoint to go wrong, as AWS or the network between can. */
export type Fault =
  /** These entries fail with these codes, by their place in the request; the others are accepted. */
  | { readonly kind: 'entries'; readonly codes: Readonly<Record<number, string>> }
  /** The request fails as a whole. */
  | { readonly kind: 'error'; readonly status: number; readonly code: string; readonly message?: string }
  /** Never answers. */
  | { readonly kind: 'hang' }
  /** The connection breaks before anything is accepted. */
  | { readonly kind: 'reset' }
  /** Everything is accepted, and the answer is lost. */
  | { readonly kind: 'reset-after-accept' }
  /** Everything is accepted, but the answer lacks the last result. */
  | { readonly kind: 'short' }
  /** The first entry is not accepted, and its result has neither an id nor a code. */
  | { readonly kind: 'blank' }
  /** The answer is no JSON; nothing is accepted. */
  | { readonly kind: 'garbage' };

/** Decides what goes wrong with a request; `number` counts the requests of its kind from 1. */
export type FaultPlan<Request> = (request: Request & { readonly number: number }) => Fault | undefined;
