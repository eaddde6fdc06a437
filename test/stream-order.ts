import { compareEvents, type EventDetail } from '../consumer/index.ts';

/**
 * Accepted entries in the order of their streams: requests arrive in any order, and servers before Redis 7 give entries
 * no `sequence`.
 */
export function inStreamOrder<Entry extends { readonly detail: object }>(entries: readonly Entry[]): Entry[] {
  return entries.toSorted((a, b) => compareEvents(a.detail as EventDetail, b.detail as EventDetail));
}
