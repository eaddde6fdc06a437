import type { EventEnvelope } from '../functions/event/detail.ts';

/** The version of the contract that this package reads. */
export const VERSION: EventEnvelope['version'] = '1';

/** The detail of an event of BullMQ, whichever event it is; custom events have their fields in `fields`. */
export interface EventDetail extends EventEnvelope {
  /** BullMQ's name of the event; absent where its entry has none. */
  readonly event?: string;
  /** The fields that BullMQ writes to this event. */
  readonly [field: string]: unknown;
}

/** Which queue of which Redis bullbridge's own news is about. */
interface News {
  readonly id: string;
  readonly sourceName: string;
  readonly prefix: string;
  readonly queue: string;
  /** Stream id of the last entry that was read before the gap. */
  readonly afterId: string;
  /** Stream id of the oldest entry behind the gap; `null` where the stream is empty. */
  readonly beforeId: string | null;
  /** How many entries of all kinds were lost: exactly, or at least. */
  readonly lost: number;
}

/** The detail of `Events Lost`: entries that were gone before they could be read. */
export interface LossDetail extends News {
  readonly exact: boolean;
  readonly reason: 'trimmed' | 'reset' | 'rolled-back' | 'unknown';
  /** ISO 8601. */
  readonly detectedAt: string;
}

/** The detail of `Events Recovered`: how many events of a gap were recovered from the state of jobs. */
export interface RecoveryDetail extends News {
  readonly completed: number;
  readonly failed: number;
  readonly unknown: number;
}
