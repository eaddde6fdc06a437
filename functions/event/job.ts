import { isUtf8 } from 'node:buffer';
import type { JobHash } from '../stream/job-hashes.ts';
import type { FieldType } from './catalogue.ts';
import { MAX_DEPTH, parse } from './decode.ts';
import type { JobDetail, JsonValue } from './detail.ts';
import { MAX_REQUEST_BYTES } from './entry.ts';
import { jsonBytes } from './fields.ts';
import { JOB_FACTS, type JobFactName, type JobSelection } from './job-fields.ts';
import { type Omission, takeOut } from './omit.ts';
import { traceHeaderOf } from './trace-header.ts';

/** What an event tells of its job. */
export interface JobPart {
  /** `null` where the job no longer exists; absent where nothing but the trace is told. */
  readonly job?: JobDetail | null;
  readonly traceHeader?: string | undefined;
  /** Paths of what must not leave Redis that left something out, as they were configured. */
  readonly hits: ReadonlySet<string>;
  /** Of the job's values as JSON. */
  readonly bytes: number;
}

export interface JobPartOptions {
  /** What each value may have as JSON; one with more is left out. */
  readonly maxBytes: number;
  readonly omit?: Omission | undefined;
}

/** BullMQ's short names for options of a job, see `optsDecodeMap` in its `utils`; `de` and `cpof` came with version 5. */
const OPTION_NAMES: Readonly<Record<string, string>> = {
  de: 'deduplication',
  fpof: 'failParentOnFailure',
  cpof: 'continueParentOnFailure',
  idof: 'ignoreDependencyOnFailure',
  kl: 'keepLogs',
  rdof: 'removeDependencyOnFailure',
};

/** A job's facts are one level deeper in a detail than the fields of an event. */
const MAX_JOB_DEPTH = MAX_DEPTH - 1;

/** Objects that have no other names than those that were given. */
type Tree = Record<string, JsonValue>;

/**
 * Puts together what an event tells of its job; there is nothing in a job that makes it throw.
 *
 * @param hash `undefined` where there is no such job
 */
export function jobPart(hash: JobHash | undefined, selection: JobSelection, options: JobPartOptions): JobPart {
  const hits = new Set<string>();
  const tells = selection.fields.length > 0;
  const isGone = hash === undefined || [...hash.values()].every((value) => value === null);
  if (isGone) return { ...(tells && { job: null }), hits, bytes: 0 };
  const { facts, unreadable } = readFacts(hash, selection);
  const job: Tree = Object.create(null);
  const told = new Set<string>();
  const omitted: string[] = [];
  let bytes = 0;
  for (const { fact, path } of selection.fields) {
    // The whole is told already.
    if (path.some((_, i) => told.has(path.slice(0, i).join('.')))) continue;
    const value = unreadable.has(fact) ? undefined : redact(get(facts, path), path, options.omit, hits);
    if (value === undefined && !unreadable.has(fact)) continue;
    const name = path.join('.');
    const size = value === undefined ? Number.POSITIVE_INFINITY : jsonBytes(value);
    if (value === undefined || size > options.maxBytes) omitted.push(name);
    else {
      set(job, path, value);
      told.add(name);
      bytes += size;
    }
  }
  const traceHeader = selection.trace ? traceHeaderOf(get(facts, ['opts', 'tm'])) : undefined;
  return {
    ...(tells && { job: { ...job, ...(omitted.length > 0 && { omitted }) } }),
    ...(traceHeader !== undefined && { traceHeader }),
    hits,
    bytes,
  };
}

/** The facts that are needed, by their names; those that the job does not have are missing. */
function readFacts(hash: JobHash, { fields, trace }: JobSelection) {
  const facts: Tree = Object.create(null);
  const unreadable = new Set<JobFactName>();
  const needed = new Set(fields.map(({ fact }) => fact));
  if (trace) needed.add('opts');
  for (const fact of needed) {
    const { hashFields, type } = JOB_FACTS[fact];
    const found = hashFields.map((field) => hash.get(field)).find((bytes) => bytes !== null);
    const isMissing = hashFields.every((field) => hash.get(field) === null);
    // BullMQ writes it with the first attempt.
    if (isMissing && fact === 'attemptsMade') facts[fact] = 0;
    if (isMissing) continue;
    // As of an event's own fields, more is in no event, and would be in memory several times over.
    const isRead = found && found.length <= MAX_REQUEST_BYTES && isUtf8(found);
    const value = isRead ? readFact(fact, found.toString(), type) : undefined;
    if (value === undefined) unreadable.add(fact);
    else facts[fact] = value;
  }
  return { facts, unreadable };
}

/** `undefined` where it is not what it should be. */
function readFact(fact: JobFactName, text: string, type: FieldType): JsonValue | undefined {
  const value = parse(text, type, MAX_JOB_DEPTH);
  if (type !== 'json' || fact === 'data' || value === undefined) return value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  if (fact === 'parent') return parentOf(value);
  return Object.fromEntries(
    Object.entries(value).map(([name, option]) => [OPTION_NAMES[name] ?? name, option] as const),
  );
}

function parentOf({ id, queueKey }: Tree): Tree {
  return { ...(typeof id === 'string' && { id }), ...(typeof queueKey === 'string' && { queueKey }) };
}

/** A value without what must not leave Redis, `undefined` where that is all of it; it is changed. */
function redact(
  value: JsonValue | undefined,
  path: readonly string[],
  omission: Omission | undefined,
  hits: Set<string>,
): JsonValue | undefined {
  if (value === undefined || !omission) return value;
  const whole: Tree = Object.create(null);
  set(whole, ['job', ...path], value);
  for (const { text, names } of omission) if (names[0] === 'job' && takeOut(whole, names)) hits.add(text);
  return get(whole, ['job', ...path]);
}

/** Goes through objects only: a list is told as a whole. */
function get(value: JsonValue | undefined, path: readonly string[]): JsonValue | undefined {
  const [name, ...rest] = path;
  if (name === undefined) return value;
  const isTree = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isTree && Object.hasOwn(value, name) ? get(value[name], rest) : undefined;
}

function set(tree: Tree, [name, ...rest]: readonly [string, ...string[]], value: JsonValue): void {
  const [next, ...others] = rest;
  if (next === undefined) tree[name] = value;
  else {
    tree[name] ??= Object.create(null) as Tree;
    set(tree[name] as Tree, [next, ...others], value);
  }
}
