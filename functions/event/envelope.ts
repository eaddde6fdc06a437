import type { Entry } from '../stream/entry.ts';
import { idTime } from '../stream/id.ts';
import type { Loss } from '../stream/position.ts';
import { detailTypeOf } from './catalogue.ts';
import { type DecodedEvent, decode } from './decode.ts';
import type { BusEntry } from './entry.ts';
import type { JobPart } from './job.ts';
import { leaveOut } from './leave-out.ts';
import type { Omission } from './omit.ts';

/** Which queue of which Redis an event comes from. */
export interface Origin {
  readonly sourceName: string;
  readonly prefix: string;
  readonly queue: string;
}

/** Milliseconds beyond which a `Date` is none; an id that was given by hand can be larger. */
const MAX_DATE = 8.64e15;

/** What a detail has beside, or has not, of what its entry has. */
export interface Amendments {
  /** @default nothing is told of the job */
  readonly job?: JobPart | undefined;
  /** @default nothing is left out */
  readonly omit?: Omission | undefined;
}

/** The entry on the bus for an entry of a stream; `sequence` is its ordinal in that stream, where that is known. */
export function toBusEntry(
  origin: Origin,
  entry: Entry,
  sequence: number | undefined,
  amendments: Amendments = {},
): BusEntry {
  const { decoded, job, omitted, traceHeader } = amend(decode(entry.fields), amendments);
  const { event, jobId, known, large, fields, repeated, unparsed } = decoded;
  const timestamp = idTime(entry.id);
  return {
    Source: 'bullmq',
    DetailType: event === undefined ? 'Unknown Entry' : detailTypeOf(event),
    ...(timestamp <= MAX_DATE && { Time: new Date(timestamp) }),
    ...traceHeader,
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
      job,
      omitted,
    }),
    ...(large && { large }),
  };
}

function amend(decoded: DecodedEvent, { job, omit }: Amendments) {
  const redacted = omit && leaveOut(decoded, omit);
  const paths = omit?.filter(({ text }) => redacted?.hits.has(text) || job?.hits.has(text));
  return {
    decoded: redacted ?? decoded,
    job: job?.job,
    omitted: paths && paths.length > 0 ? paths.map(({ text }) => text) : undefined,
    traceHeader: job?.traceHeader === undefined ? undefined : { TraceHeader: job.traceHeader },
  };
}

/**
 * bullbridge's own news that entries can no longer be read.
 *
 * The id holds both ends of the gap: finding the same gap again gives the same id, and finding that it has grown gives
 * another one with the same `afterId`.
 */
export function lossEntry(origin: Origin, loss: Loss, detectedAt: Date): BusEntry {
  return {
    Source: 'bullbridge',
    DetailType: 'Events Lost',
    Time: detectedAt,
    Detail: JSON.stringify({
      id: `${queueId(origin)}/${loss.afterId}/lost/${loss.reason}/${loss.beforeId ?? 'end'}`,
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
  amendments: Amendments = {},
): BusEntry {
  const { decoded, job, omitted, traceHeader } = amend(decode(fields), amendments);
  const { event, jobId, known, large, unparsed } = decoded;
  return {
    Source: 'bullmq',
    DetailType: event === undefined ? 'Unknown Entry' : detailTypeOf(event),
    ...(Math.abs(finishedOn) <= MAX_DATE && { Time: new Date(finishedOn) }),
    ...traceHeader,
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
      job,
      omitted,
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
