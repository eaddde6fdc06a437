import type { BusEntry } from '../bus/entry.ts';
import { idTime } from '../stream/id.ts';
import type { Entry, Loss } from '../stream/position.ts';
import { detailTypeOf } from './catalogue.ts';
import { decode } from './decode.ts';

/** Which queue of which Redis an event comes from. */
export interface Origin {
  readonly sourceName: string;
  readonly prefix: string;
  readonly queue: string;
}

/** Milliseconds beyond which a `Date` is none; an id that was given by hand can be larger. */
const MAX_DATE = 8.64e15;

/** The entry on the bus for an entry of a stream; `sequence` is its ordinal in that stream, where that is known. */
export function toBusEntry(origin: Origin, entry: Entry, sequence: number | undefined): BusEntry {
  const { event, jobId, known, large, fields, repeated, unparsed } = decode(entry.fields);
  const timestamp = idTime(entry.id);
  return {
    Source: 'bullmq',
    DetailType: event === undefined ? 'Unknown Entry' : detailTypeOf(event),
    ...(timestamp <= MAX_DATE && { Time: new Date(timestamp) }),
    Detail: JSON.stringify({
      version: '1',
      id: `${queueId(origin)}/${entry.id}`,
      ...origin,
      event,
      streamId: entry.id,
      sequence,
      timestamp,
      jobId,
      ...known,
      fields,
      repeated,
      unparsed,
    }),
    ...(large && { large }),
  };
}

/**
 * bullbridge's own news that entries can no longer be read.
 *
 * The id holds the last entry before the hole, so that finding the same hole again gives the same id.
 */
export function lossEntry(origin: Origin, loss: Loss, detectedAt: Date): BusEntry {
  return {
    Source: 'bullbridge',
    DetailType: 'Events Lost',
    Time: detectedAt,
    Detail: JSON.stringify({
      id: `${queueId(origin)}/${loss.afterId}/lost/${loss.reason}`,
      ...origin,
      ...loss,
      detectedAt: detectedAt.toISOString(),
    }),
  };
}

/** What became of a gap, and which of its revisions it was. */
interface RecoveredGap extends Pick<Loss, 'afterId' | 'beforeId' | 'lost'> {
  readonly revision: number;
}

/**
 * The entry on the bus for an event whose own entry was lost, told from the state of its job.
 *
 * @param fields those of its stream entry, as far as the job still has them
 * @param finishedOn in milliseconds since the epoch, by the clock of the worker
 */
export function recoveredEntry(
  origin: Origin,
  fields: readonly Buffer[],
  finishedOn: number,
  possibleDuplicate: boolean,
): BusEntry {
  const { event, jobId, known, large, unparsed } = decode(fields);
  return {
    Source: 'bullmq',
    DetailType: event === undefined ? 'Unknown Entry' : detailTypeOf(event),
    ...(Math.abs(finishedOn) <= MAX_DATE && { Time: new Date(finishedOn) }),
    Detail: JSON.stringify({
      version: '1',
      id: `${queueId(origin)}/${jobId}/${event}/${finishedOn}`,
      ...origin,
      event,
      timestamp: finishedOn,
      recovered: true,
      possibleDuplicate: possibleDuplicate || undefined,
      jobId,
      ...known,
      unparsed,
    }),
    ...(large && { large }),
  };
}

/**
 * bullbridge's own news of what could be recovered of a gap.
 *
 * A gap that is found again with other bounds is recovered again, so its revision is a part of the id.
 */
export function recoveryEntry(
  origin: Origin,
  { afterId, beforeId, lost, revision }: RecoveredGap,
  recovery: { readonly completed: number; readonly failed: number; readonly unknown: number },
  time: Date,
): BusEntry {
  return {
    Source: 'bullbridge',
    DetailType: 'Events Recovered',
    Time: time,
    Detail: JSON.stringify({
      id: `${queueId(origin)}/${afterId}/recovered/${revision}`,
      ...origin,
      afterId,
      beforeId,
      lost,
      ...recovery,
    }),
  };
}

/** Names a queue within an account: what an event's id and a position's key begin with. */
export function queueId({ sourceName, prefix, queue }: Origin): string {
  return `${sourceName}/${prefix}:${queue}`;
}
