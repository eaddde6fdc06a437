import { beginning, type Unread } from './position.ts';
import { isFailure, type State } from './states.ts';
import { trimmed } from './stream-info.ts';

/**
 * Where a queue begins whose stream is in this state when it is first looked at.
 *
 * @param now in milliseconds since the epoch
 * @param place at its oldest entry, or behind its newest one; a stream that does not exist yet, or cannot be asked, begins at its beginning
 */
export function firstPosition(state: State, place: 'beginning' | 'now', now: number): Unread {
  if (state === null) return beginning(0, now);
  // It cannot be read now, so all that it has when it can be is wanted.
  if (isFailure(state)) return beginning(undefined, now);
  if (place === 'beginning') return beginning(trimmed(state), now);
  const { lastId, entriesAdded } = state;
  return { kind: 'unread', id: lastId, ...(entriesAdded !== undefined && { ordinal: entriesAdded }) };
}
