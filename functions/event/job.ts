import { isUtf8 } from 'node:buffer';
import type { JobHash } from '../stream/job-hashes.ts';
import { MAX_REQUEST_BYTES } from './bus-entry.ts';
import type { FieldType } from './catalogue.ts';
import { MAX_DEPTH, parseNumber } from './decode.ts';
import type { JsonValue } from './detail.ts';
import { JOB_FACTS, type JobFactName, type JobField, type JobSelection } from './job-fields.ts';
import { isJson, isRawJSON, parseExact } from './json.ts';
import { type Omission, takeOut } from './omit.ts';
import { traceHeaderOf } from './trace-header.ts';

/** The part of an event that comes from its job. */
export interface JobPart {
  /** A `JobDetail`, or `null` if the job no longer exists, as JSON; absent if only the trace is wanted. */
  readonly json?: Buffer;
  readonly traceHeader?: string | undefined;
  /** The configured paths of fields that were left out because they must not leave Redis. */
  readonly hits: ReadonlySet<string>;
  /** Bytes of the values as JSON. */
  readonly bytes: number;
}

export interface JobPartOptions {
  /** The most bytes of a value as JSON; a larger value is left out. */
  readonly maxBytes: number;
  readonly omit?: Omission | undefined;
}

/**
 * BullMQ's short names for options of a job, see `optsDecodeMap` in its `utils`; `de` and `cpof` came with version 5.
 */
const OPTION_NAMES: Readonly<Record<string, string>> = {
  de: 'deduplication',
  fpof: 'failParentOnFailure',
  cpof: 'continueParentOnFailure',
  idof: 'ignoreDependencyOnFailure',
  kl: 'keepLogs',
  rdof: 'removeDependencyOnFailure',
};

/** The facts of a job are one level deeper in a detail than the fields of an event. */
const MAX_JOB_DEPTH = MAX_DEPTH - 1;

/** A job that no longer exists. */
const NULL = Buffer.from('null');

/** A JSON object. */
type Tree = Record<string, JsonValue>;

/**
 * Creates the part of an event that comes from its job. It never throws, whatever the job contains.
 *
 * @param hash `undefined` if there is no such job
 */
export function jobPart(hash: JobHash | undefined, selection: JobSelection, options: JobPartOptions): JobPart {
  const hits = new Set<string>();
  const isWanted = selection.fields.length > 0;
  const isGone = hash === undefined || [...hash.values()].every((value) => value === null);
  if (isGone) return { ...(isWanted && { json: NULL }), hits, bytes: 0 };
  const { facts, unreadable } = readFacts(hash, selection);
  const job: Members = new Map();
  const included = new Set<string>();
  const omitted: string[] = [];
  let bytes = 0;
  for (const field of selection.fields) {
    const { fact, path } = field;
    // The whole is already there.
    if (path.some((_, i) => included.has(path.slice(0, i).join('.')))) continue;
    const value = unreadable.has(fact) ? undefined : jsonAt(facts, field, options.omit, hits);
    if (value === undefined && !unreadable.has(fact)) continue;
    const name = path.join('.');
    const size = value === undefined ? Number.POSITIVE_INFINITY : Buffer.byteLength(value);
    if (value === undefined || size > options.maxBytes) omitted.push(name);
    else {
      put(job, path, value);
      included.add(name);
      bytes += size;
    }
  }
  if (omitted.length > 0) put(job, ['omitted'], JSON.stringify(omitted));
  const traceHeader = selection.trace ? traceHeaderOf(get(facts.get('opts')?.value(), ['tm'])) : undefined;
  return {
    ...(isWanted && { json: Buffer.from(textOf(job)) }),
    ...(traceHeader !== undefined && { traceHeader }),
    hits,
    bytes,
  };
}

/** A fact of a job. */
interface Fact {
  readonly json: string;
  /** The value, which is parsed when it is first needed. */
  readonly value: () => JsonValue;
}

/** Reads the needed facts, by their names, as far as the job has them. */
function readFacts(hash: JobHash, { fields, trace }: JobSelection) {
  const facts = new Map<JobFactName, Fact>();
  const unreadable = new Set<JobFactName>();
  const needed = new Set(fields.map(({ fact }) => fact));
  if (trace) needed.add('opts');
  for (const fact of needed) {
    const { hashFields, type } = JOB_FACTS[fact];
    const found = hashFields.map((field) => hash.get(field)).find((bytes) => bytes !== null);
    const isMissing = hashFields.every((field) => hash.get(field) === null);
    // BullMQ writes the field with the first attempt.
    if (isMissing && fact === 'attemptsMade') facts.set(fact, factOf(0));
    if (isMissing) continue;
    // A larger value fits into no event and would be in memory in several copies.
    const isRead = Buffer.isBuffer(found) && found.length <= MAX_REQUEST_BYTES && isUtf8(found);
    const read = isRead ? readFact(fact, found, type) : undefined;
    if (read === undefined) unreadable.add(fact);
    else facts.set(fact, read);
  }
  return { facts, unreadable };
}

/** Reads a fact; `undefined` if it does not have its type. */
function readFact(fact: JobFactName, bytes: Buffer, type: FieldType): Fact | undefined {
  const text = bytes.toString();
  if (type === 'text') return factOf(text);
  if (type === 'number') {
    const number = parseNumber(text);
    return number === undefined ? undefined : factOf(number);
  }
  if (!isJson(bytes, MAX_JOB_DEPTH)) return undefined;
  if (fact === 'data') {
    let value: JsonValue | undefined;
    return { json: text, value: () => (value ??= parseExact(text)) };
  }
  const value = parseExact(text);
  if (!isTree(value)) return undefined;
  if (fact === 'parent') return factOf(parentOf(value));
  return factOf(
    Object.fromEntries(Object.entries(value).map(([name, option]) => [OPTION_NAMES[name] ?? name, option] as const)),
  );
}

function factOf(value: JsonValue): Fact {
  return { json: JSON.stringify(value), value: () => value };
}

function parentOf({ id, queueKey }: Tree): Tree {
  return { ...(typeof id === 'string' && { id }), ...(typeof queueKey === 'string' && { queueKey }) };
}

/** The value at a path as JSON, without fields that must not leave Redis; `undefined` if nothing is there or left. */
function jsonAt(
  facts: ReadonlyMap<JobFactName, Fact>,
  { fact: name, path }: JobField,
  omission: Omission = [],
  hits: Set<string>,
): string | undefined {
  const fact = facts.get(name);
  const inner = path.slice(1);
  const ofJobs = omission.filter(({ names }) => names[0] === 'job' && (names[1] === name || names[1] === '*'));
  if (!fact || (inner.length === 0 && ofJobs.length === 0)) return fact?.json;
  const value = get(fact.value(), inner);
  if (value === undefined) return undefined;
  const whole = ['job', ...path].reduceRight((inner, step): JsonValue => ({ [step]: inner }), value);
  const found = ofJobs.filter(({ names }) => takeOut(whole, names));
  for (const { text } of found) hits.add(text);
  const left = get(whole, ['job', ...path]);
  if (left === undefined) return undefined;
  return inner.length === 0 && found.length === 0 ? fact.json : JSON.stringify(left);
}

/** The value at a path through objects; a path cannot lead into a list. */
function get(value: JsonValue | undefined, path: readonly string[]): JsonValue | undefined {
  const [name, ...rest] = path;
  if (name === undefined) return value;
  return isTree(value) && Object.hasOwn(value, name) ? get(value[name], rest) : undefined;
}

function isTree(value: JsonValue | undefined): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawJSON(value);
}

/** Nested objects; the values are JSON. */
type Members = Map<string, string | Members>;

function put(members: Members, [name, ...rest]: readonly [string, ...string[]], json: string): void {
  const [next, ...others] = rest;
  if (next === undefined) members.set(name, json);
  else {
    const inner = members.get(name) ?? new Map();
    if (typeof inner === 'string') return;
    members.set(name, inner);
    put(inner, [next, ...others], json);
  }
}

function textOf(members: Members): string {
  const texts = Array.from(
    members,
    ([name, inner]) => `${JSON.stringify(name)}:${typeof inner === 'string' ? inner : textOf(inner)}`,
  );
  return `{${texts.join()}}`;
}
