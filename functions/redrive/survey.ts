import type { ReceivedLetter } from './message.ts';

/** Dead letters of one queue with the same error code. */
export interface Group {
  /** The queue of BullMQ; absent if the event has none. */
  readonly queue?: string;
  readonly errorCode: string;
  readonly count: number;
  /** When the oldest of them was parked, as an ISO text. */
  readonly oldest: string;
}

/** A dead letter, without the data of its job. */
export interface Sample {
  /** The id of the event. */
  readonly id?: string;
  readonly queue?: string;
  readonly detailType: string;
  readonly errorCode: string;
  readonly errorMessage: string;
  /** The number of times it was sent. */
  readonly attempts: number;
  /** An ISO text. */
  readonly parkedAt: string;
}

const MAX_SAMPLES = 10;

/** The summary of a dry run. */
export interface Survey {
  add(parked: ReceivedLetter): void;
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
