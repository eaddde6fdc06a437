import { idTime, ZERO_ID } from './id.ts';
import { beginning, type Unread } from './position.ts';
import { isFailure, type State } from './states.ts';
import { type StreamInfo, trimmed } from './stream-info.ts';

/**
 * Where a queue begins whose stream is in this state when it is first looked at.
 *
 * @param place at its oldest entry, or behind its newest one; a stream that does not exist yet, or cannot be asked,
 * begins at its beginning
 */
export function firstPosition(state: State, place: 'beginning' | 'now'): Unread {
  if (state === null) return beginning(0);
  // It cannot be read now, so all that it has when it can be is wanted.
  if (isFailure(state)) return beginning();
  if (place === 'beginning') return beginning(trimmed(state), oldest(state));
  const { lastId, entriesAdded } = state;
  return { kind: 'unread', id: lastId, ...(entriesAdded !== undefined && { ordinal: entriesAdded }) };
}

/** When the oldest entry was added that is wanted, by the clock of Redis; `undefined` where none was added yet. */
function oldest({ firstId, lastId }: StreamInfo): number | undefined {
  const id = firstId ?? lastId;
  return id === ZERO_ID ? undefined : idTime(id);
}
