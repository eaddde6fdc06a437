import { randomUUID } from 'node:crypto';
import { compilePattern } from '../../consumer/testing/event-pattern.ts';
import { type Answer, failure, success } from './answer.ts';
import type { Fault } from './faults.ts';
import {
  busName,
  type EventDetail,
  entryBytes,
  isDropped,
  readEntry,
  refuseRequest,
  type WireEntry,
} from './put-events.ts';

/** An event as EventBridge sends it to the target of a rule. */
export interface BusEvent {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: string;
  readonly account: string;
  /** Whole seconds, as AWS writes it. */
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: EventDetail;
}

/** A rule of a bus with one target. */
export interface Subscription {
  readonly bus: string;
  /** An EventBridge event pattern. */
  readonly pattern: unknown;
  readonly deliver: (event: BusEvent) => void;
}

/** An entry that was accepted for an existing bus. */
export interface AcceptedEntry extends WireEntry {
  readonly id: string;
  readonly detail: EventDetail;
}

/** A PutEvents request, accepted or not. */
export interface PutEventsRequest {
  readonly entries: number;
  /** The size of the entries as EventBridge counts it. */
  readonly bytes: number;
}

/** Counts of the requests that reached the buses, without requests that failed as a whole by a planned fault. */
export interface BusCounts {
  readonly requests: number;
  /** Accepted entries, including entries that EventBridge drops. */
  readonly entries: number;
  /** The size of all entries of the requests, as EventBridge counts it. */
  readonly bytes: number;
}

export interface EventBusesOptions {
  readonly names: readonly string[];
  readonly record: boolean;
  readonly validate: boolean;
  readonly oversize: 413 | 400;
  readonly account: string;
  readonly region: string;
  readonly now: () => number;
}

/** Event buses with their rules. */
export interface EventBuses {
  readonly accepted: readonly AcceptedEntry[];
  readonly requests: readonly PutEventsRequest[];
  readonly counts: BusCounts;
  subscribe(subscription: Subscription): void;
  putEvents(entries: readonly WireEntry[] | undefined, fault?: Fault): Answer;
  describe(nameOrArn: string | undefined): Answer;
  /** The names of the existing buses. */
  readonly names: Set<string>;
}

export function createEventBuses({
  record,
  validate,
  oversize,
  account,
  region,
  now,
  ...options
}: EventBusesOptions): EventBuses {
  const names = new Set(['default', ...options.names]);
  const rules: (Subscription & { readonly matches: (event: object) => boolean })[] = [];
  const accepted: AcceptedEntry[] = [];
  const requests: PutEventsRequest[] = [];
  const counts = { requests: 0, entries: 0, bytes: 0 };

  function putEvents(given: readonly WireEntry[] | undefined, fault?: Fault): Answer {
    const entries = given ?? [];
    const bytes = entries.reduce((sum, entry) => sum + entryBytes(entry), 0);
    counts.requests += 1;
    counts.bytes += bytes;
    if (record) requests.push({ entries: entries.length, bytes });
    const refused = refuseRequest(given, oversize);
    if (refused) return refused;
    const results = entries.map((entry, i) => {
      if (fault?.kind === 'entries' && fault.codes[i]) return { ErrorCode: fault.codes[i], ErrorMessage: 'planned' };
      if (fault?.kind !== 'blank' || i !== (fault.entry ?? 0)) return put(entry);
      if (fault.accepted) put(entry);
      return {};
    });
    if (fault?.kind === 'short') results.pop();
    return success({ FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length, Entries: results });
  }

  function put(entry: WireEntry): object {
    const EventId = randomUUID();
    const wanted = record || rules.length > 0;
    if (wanted || validate) {
      const read = readEntry(entry);
      if ('ErrorCode' in read) return read;
      if (wanted && !isDropped(entry, names)) take({ ...entry, id: EventId, detail: read.detail });
    }
    counts.entries += 1;
    return { EventId };
  }

  function take(entry: AcceptedEntry): void {
    if (record) accepted.push(entry);
    const event = eventOf(entry);
    for (const { bus, matches, deliver } of rules)
      if (bus === busName(entry.EventBusName) && matches(event)) deliver(event);
  }

  function eventOf({ id, DetailType = '', Source = '', Time, Resources = [], detail }: AcceptedEntry): BusEvent {
    const time = new Date(Time === undefined ? now() : Time * 1000).toISOString();
    return {
      version: '0',
      id,
      'detail-type': DetailType,
      source: Source,
      account,
      time: `${time.slice(0, 19)}Z`,
      region,
      resources: Resources,
      detail,
    };
  }

  function describe(nameOrArn: string | undefined): Answer {
    const Name = busName(nameOrArn);
    if (!names.has(Name)) return failure(400, 'ResourceNotFoundException', `Event bus ${Name} does not exist.`);
    return success({ Name, Arn: `arn:aws:events:${region}:${account}:event-bus/${Name}` });
  }

  return {
    accepted,
    requests,
    counts,
    subscribe: (rule) => void rules.push({ ...rule, matches: compilePattern(rule.pattern) }),
    putEvents,
    describe,
    names,
  };
}
