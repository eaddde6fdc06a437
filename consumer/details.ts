import type { EventEnvelope } from '../functions/event/detail.ts';

/** The version of the contract that this package reads. */
export const VERSION: EventEnvelope['version'] = '1';

/** The detail of any BullMQ event; custom events have their fields in `fields`. */
export interface EventDetail extends EventEnvelope {
  /** BullMQ's name of the event; absent if the stream entry has none. */
  readonly event?: string;
  /** The fields that BullMQ writes to this event. */
  readonly [field: string]: unknown;
}

/** The fields that `Events Lost` and `Events Recovered` have in common. */
interface GapDetail {
  readonly id: string;
  readonly sourceName: string;
  readonly prefix: string;
  readonly queue: string;
  /** Stream id of the last entry that was read before the gap. */
  readonly afterId: string;
  /** Stream id of the oldest entry behind the gap; `null` if the stream is empty. */
  readonly beforeId: string | null;
  /** Number of lost stream entries, with events of all names: exact, or a lower bound. */
  readonly lost: number;
}

/** The detail of `Events Lost`: stream entries that were gone before they could be read. */
export interface LossDetail extends GapDetail {
  readonly exact: boolean;
  readonly reason: 'trimmed' | 'reset' | 'rolled-back' | 'unknown';
  /** ISO 8601. */
  readonly detectedAt: string;
}

/** The detail of `Events Recovered`: the numbers of events of a gap that were recovered from the state of jobs. */
export interface RecoveryDetail extends GapDetail {
  readonly completed: number;
  readonly failed: number;
  readonly unknown: number;
}
