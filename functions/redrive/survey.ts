import type { Parked } from './parked.ts';

/** Parked events of one queue that were refused for the same reason. */
export interface Group {
  /** BullMQ's queue; absent where the event does not say. */
  readonly queue?: string;
  readonly errorCode: string;
  readonly count: number;
  /** ISO, when the oldest of them was parked. */
  readonly oldest: string;
}

/** A parked event, without what its job has. */
export interface Sample {
  /** The event's id. */
  readonly id?: string;
  readonly queue?: string;
  readonly detailType: string;
  readonly errorCode: string;
  readonly errorMessage: string;
  /** How often it was sent. */
  readonly attempts: number;
  /** ISO. */
  readonly parkedAt: string;
}

const MAX_SAMPLES = 10;

/** What a dry run saw. */
export interface Survey {
  add(parked: Parked): void;
  /** The largest first. */
  groups(): Group[];
  /** The first ten. */
  readonly samples: readonly Sample[];
}

export function createSurvey(): Survey {
  const groups = new Map<string, Group>();
  const samples: Sample[] = [];
  return {
    add({ entry, id, queue, letter }) {
      const { errorCode, errorMessage, attempts, parkedAt } = letter;
      const name = JSON.stringify([queue, errorCode]);
      const before = groups.get(name);
      const oldest = before && Date.parse(before.oldest) < Date.parse(parkedAt) ? before.oldest : parkedAt;
      groups.set(name, { ...(queue !== undefined && { queue }), errorCode, count: (before?.count ?? 0) + 1, oldest });
      if (samples.length === MAX_SAMPLES) return;
      samples.push({
        ...(id !== undefined && { id }),
        ...(queue !== undefined && { queue }),
        detailType: entry.DetailType,
        errorCode,
        errorMessage,
        attempts,
        parkedAt,
      });
    },
    groups: () => [...groups.values()].sort((a, b) => b.count - a.count),
    samples,
  };
}
