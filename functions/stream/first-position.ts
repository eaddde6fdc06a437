import { idTime, ZERO_ID } from './id.ts';
import { beginning, type Unread } from './position.ts';
import { isFailure, type State } from './states.ts';
import { type StreamInfo, trimmed } from './stream-info.ts';

/**
 * The first position of a queue, by the state of its stream when it is first seen.
 *
 * @param place the oldest entry, or behind the newest entry; a stream that does not exist yet or cannot be read is read
 * from its beginning
 */
export function firstPosition(state: State, place: 'beginning' | 'now'): Unread {
  if (state === null) return beginning(0);
  // It cannot be read now, so it is read from its beginning as soon as it can be.
  if (isFailure(state)) return beginning();
  if (place === 'beginning') return beginning(trimmed(state), oldest(state));
  const { lastId, entriesAdded } = state;
  return { kind: 'unread', id: lastId, ...(entriesAdded !== undefined && { ordinal: entriesAdded }) };
}

/** When the oldest entry was added, by the clock of Redis; `undefined` if none was added yet. */
function oldest({ firstId, lastId }: StreamInfo): number | undefined {
  const id = firstId ?? lastId;
  return id === ZERO_ID ? undefined : idTime(id);
}
