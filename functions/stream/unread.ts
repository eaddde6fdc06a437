import type { Cursor } from './read.ts';
import { isFailure, type State } from './states.ts';

/** The entries of a queue that were not read yet. */
export interface UnreadCount {
  readonly entries: number;
  /** Otherwise the server does not count entries, or the stream is a new one, and that is how many there are at most. */
  readonly exact: boolean;
}

/** How many entries stand behind the positions of queues, unread; without queues of which Redis does not say. */
export async function countUnread(
  statesOf: (queues: readonly string[]) => Promise<ReadonlyMap<string, State>>,
  cursors: readonly Cursor[],
): Promise<Map<string, UnreadCount>> {
  const states = await statesOf(cursors.map(({ queue }) => queue));
  return new Map(
    cursors.flatMap(({ queue, position: { ordinal = Number.NaN, offset = 0 } }) => {
      const state = states.get(queue);
      if (!state || isFailure(state)) return [];
      const behind = (state.entriesAdded ?? Number.NaN) - (ordinal - offset);
      const exact = behind >= 0;
      return [[queue, { entries: exact ? Math.min(state.length, behind) : state.length, exact }] as const];
    }),
  );
}
