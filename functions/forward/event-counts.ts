/** The number of stream entries of each event, by queue. */
export type EventCounts = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** Adds up the numbers of events. */
export interface EventTally {
  add(queue: string, event: string, times: number): void;
  readonly counts: EventCounts;
}

export function createEventTally(): EventTally {
  const counts = new Map<string, Map<string, number>>();
  return {
    counts,
    add(queue, event, times) {
      const ofQueue = counts.get(queue) ?? new Map<string, number>();
      counts.set(queue, ofQueue);
      ofQueue.set(event, (ofQueue.get(event) ?? 0) + times);
    },
  };
}
