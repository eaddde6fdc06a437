import type { Cursor } from './read.ts';
import { isFailure, type State } from './states.ts';

/** The number of unread entries of a queue. */
export interface UnreadCount {
  readonly entries: number;
  /** If `false`, `entries` is an upper bound: the server does not count, or the stream is a new one. */
  readonly exact: boolean;
}

/** Counts the unread entries of queues; leaves out queues whose state Redis refuses to report. */
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
