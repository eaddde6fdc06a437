import type { LargeEntry } from '../../event/bus-entry.ts';
import { type Field, GROUPS, groupOf, jsonSize, nameOf } from '../../event/field.ts';

/** A field with the size of its value as JSON. */
export interface Sized {
  readonly field: Field;
  readonly size: number;
}

/** Fields to take out of a detail. */
export interface Choice {
  /** Single fields, the largest first. */
  readonly single: readonly Sized[];
  /** Groups of many small fields; each group is one object. */
  readonly groups: ReadonlyMap<string, readonly Sized[]>;
}

/** Bytes of the smallest field that is taken out alone: a smaller one is not worth its item in the list. */
const WORTH_LISTING = 512;
/** Longest path of a field that is taken out alone: the name of a custom field can be as long as its value. */
const MAX_PATH = 128;

export function sized(fields: readonly Field[]): Sized[] {
  return fields.map((field) => ({ field, size: jsonSize(field) }));
}

/** Bytes of a field in a detail: its name, its value, the colon and the comma. */
export function bytesIn({ field, size }: Sized): number {
  return Buffer.byteLength(JSON.stringify(nameOf(field))) + ':,'.length + size;
}

/** The size of an entry with these fields, as EventBridge counts it. */
export function sizeOf({ Source, DetailType, Time, Detail }: LargeEntry, fields: readonly Sized[]): number {
  const groups = GROUPS.filter((group) => fields.some(({ field }) => groupOf(field) === group));
  const texts = [Source, DetailType, Detail.envelope, '}', ...groups.map((group) => `"${group}":{},`)];
  return (Time ? 14 : 0) + texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) + sum(fields);
}

/**
 * Chooses as few fields as possible, the largest ones, so that the detail without them is `excess` bytes smaller.
 *
 * If single fields are not enough, it chooses whole groups, because many small fields together can be large.
 * @param costOf bytes that a path takes in the detail once its field is taken out
 */
export function choose(fields: readonly Sized[], excess: number, costOf: (path: string) => number): Choice {
  const groups = new Map<string, readonly Sized[]>();
  let left = excess;
  for (;;) {
    const others = fields.filter(({ field }) => !isIn(groups, field));
    const single = largestFirst(others, left, costOf);
    if (single) return { single, groups };
    const group = largestGroup(others);
    if (!group) return { single: others.filter(isWorthListing), groups };
    const [name, members] = group;
    groups.set(name, members);
    left -= sum(members) - costOf(name);
  }
}

/** The largest fields; `undefined` if all fields are not enough. */
function largestFirst(fields: readonly Sized[], excess: number, costOf: (path: string) => number): Sized[] | undefined {
  const chosen: Sized[] = [];
  let left = excess;
  for (const each of fields.filter(isWorthListing).sort((a, b) => b.size - a.size)) {
    if (left <= 0) break;
    chosen.push(each);
    left -= each.size - costOf(each.field.path);
  }
  return left <= 0 ? chosen : undefined;
}

function isWorthListing({ field, size }: Sized): boolean {
  return size >= WORTH_LISTING && field.path.length <= MAX_PATH && field.path !== 'unparsed';
}

function largestGroup(fields: readonly Sized[]): readonly [string, Sized[]] | undefined {
  const groups = Map.groupBy(fields, ({ field }) => groupNameOf(field));
  const named = [...groups].flatMap(([name, members]) => (name === undefined ? [] : [[name, members] as const]));
  return named.sort(([, a], [, b]) => sum(b) - sum(a))[0];
}

/** Whether a field is taken out with its group. */
export function isIn(groups: Choice['groups'], field: Field): boolean {
  return groups.has(groupNameOf(field) ?? '');
}

/** `unparsed` can have as many names as there are fields. */
function groupNameOf(field: Field): string | undefined {
  return field.path === 'unparsed' ? 'unparsed' : groupOf(field);
}

function sum(fields: readonly Sized[]): number {
  return fields.reduce((bytes, each) => bytes + bytesIn(each), 0);
}
