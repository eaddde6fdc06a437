import type { Entry, Value } from '../stream/entry.ts';
import { idTime } from '../stream/id.ts';
import type { Loss } from '../stream/position.ts';
import { type AnyEntry, type BusEntry, type Detail, type LargeEntry, toText } from './bus-entry.ts';
import { detailTypeOf } from './catalogue.ts';
import { type DecodedEvent, decode } from './decode.ts';
import { jsonField } from './field.ts';
import type { JobPart } from './job.ts';
import type { Omission } from './omit.ts';
import { redact } from './redact.ts';

/** The queue and the Redis that an event comes from. */
export interface Origin {
  readonly sourceName: string;
  readonly prefix: string;
  readonly queue: string;
}

/** The largest time of a valid `Date`; an id that a user set can be larger. */
const MAX_DATE = 8.64e15;

/**
 * Bytes of fields that fit into a request and into a dead letter in any case, so that their detail becomes text at
 * once: JSON has at most six times as many bytes, and a dead letter at most twice that.
 */
const FITTING_BYTES = 64 * 1024;

/** Additions to a detail, and fields to leave out. */
export interface Amendments {
  /** @default no fields of the job */
  readonly job?: JobPart | undefined;
  /** @default no field is left out */
  readonly omit?: Omission | undefined;
}

/** Turns a stream entry into a bus entry; `sequence` is its ordinal in the stream, if it is known. */
type ToBusEntry = (entry: Entry, sequence: number | undefined, amendments?: Amendments) => AnyEntry;

/** Creates the function for the entries of one queue; what their envelopes have in common is made once. */
export function busEntriesOf(origin: Origin): ToBusEntry {
  const { sourceName, prefix, queue } = origin;
  const idStart = `${queueId(origin)}/`;
  const start = `{"version":"1","id":${JSON.stringify(idStart).slice(0, -1)}`;
  const middle = `",${JSON.stringify({ sourceName, prefix, queue }).slice(1, -1)},"streamId":"`;
  return ({ id: streamId, fields }, sequence, amendments = {}) => {
    const timestamp = idTime(streamId);
    const ordinal = sequence === undefined ? '' : `,"sequence":${sequence}`;
    // A stream id has only digits and a hyphen.
    const envelope = `${start}${streamId}${middle}${streamId}"${ordinal},"timestamp":${timestamp}`;
    return eventEntry(decode(fields), { id: idStart + streamId, timestamp, envelope }, amendments);
  };
}

interface Identity {
  readonly id: string;
  readonly timestamp: number;
  /** The fields that identify an event. Custom fields are on another level, so they cannot replace them. */
  readonly envelope: string;
}

function eventEntry(decoded: DecodedEvent, { id, timestamp, envelope }: Identity, { job, omit }: Amendments): AnyEntry {
  const redacted = omit && redact(decoded, omit);
  const { event, fields: own, unparsed } = redacted ?? decoded;
  const omitted = omit?.filter(({ text }) => redacted?.hits.has(text) || job?.hits.has(text)).map(({ text }) => text);
  const fields = [...own];
  if (unparsed.length > 0) fields.push(jsonField('unparsed', unparsed));
  if (job?.json) fields.push({ path: 'job', kind: 'json', bytes: job.json });
  const detail: Detail = {
    id,
    envelope: omitted?.length ? `${envelope},"omitted":${JSON.stringify(omitted)}` : envelope,
    fields,
  };
  const entry: LargeEntry = {
    Source: 'bullmq',
    DetailType: event === undefined ? 'Unknown Entry' : detailTypeOf(event),
    Time: Math.abs(timestamp) <= MAX_DATE ? new Date(timestamp) : undefined,
    TraceHeader: job?.traceHeader,
    Detail: detail,
  };
  return fitsAnywhere(detail) ? toText(entry) : entry;
}

function fitsAnywhere({ fields }: Detail): boolean {
  let bytes = 0;
  for (const field of fields) {
    if (field.whole !== undefined) return false;
    bytes += field.path.length + field.bytes.length;
  }
  return bytes <= FITTING_BYTES;
}

/**
 * The bus entry of `Events Lost`.
 *
 * The id contains both ends of the gap. If the same gap is found again, it has the same id. If the gap has grown, it
 * has another id with the same `afterId`.
 */
export function lossEntry(origin: Origin, loss: Loss, detectedAt: Date): BusEntry {
  const { since: _, ...reported } = loss;
  return {
    Source: 'bullbridge',
    DetailType: 'Events Lost',
    Time: detectedAt,
    Detail: JSON.stringify({
      id: `${queueId(origin)}/${loss.afterId}/lost/${loss.reason}/${loss.beforeId ?? 'end'}`,
      ...origin,
      ...reported,
      detectedAt: detectedAt.toISOString(),
    }),
  };
}

/** The bounds of a gap, and its revision. */
interface RecoveredGap extends Pick<Loss, 'afterId' | 'beforeId' | 'lost'> {
  readonly revision: number;
}

/**
 * The bus entry of an event that was lost, from the state of its job.
 *
 * @param fields the fields of its stream entry, as far as the job still has them
 * @param finishedOn in milliseconds since the epoch, by the clock of the worker
 */
export function recoveredEntry(
  origin: Origin,
  fields: readonly Value[],
  finishedOn: number,
  possibleDuplicate: boolean,
  amendments: Amendments = {},
): AnyEntry {
  const decoded = decode(fields);
  const { event, jobId } = decoded;
  const id = `${queueId(origin)}/${jobId}/${event}/${finishedOn}`;
  const envelope = JSON.stringify({
    version: '1',
    id,
    ...origin,
    timestamp: finishedOn,
    recovered: true,
    possibleDuplicate: possibleDuplicate || undefined,
  }).slice(0, -1);
  return eventEntry(decoded, { id, timestamp: finishedOn, envelope }, amendments);
}

/**
 * The bus entry of `Events Recovered`.
 *
 * A gap that is found again with other bounds is recovered again, so the id contains its revision.
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

/** The id of a queue within an account; the ids of events and the keys of positions begin with it. */
export function queueId({ sourceName, prefix, queue }: Origin): string {
  return `${sourceName}/${prefix}:${queue}`;
}
