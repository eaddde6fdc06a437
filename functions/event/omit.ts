import { CATALOGUE, type EventKind } from './catalogue.ts';
import type { JsonValue } from './detail.ts';
import { isFact, JOB_FACTS } from './job-fields.ts';
import { isRawJSON } from './json.ts';

/** A value, or many, that must not leave Redis. */
interface OmittedPath {
  /** As it was configured. */
  readonly text: string;
  /** Names from the detail inwards; `*` is any. */
  readonly names: readonly string[];
}

/** What must not leave Redis. */
export type Omission = readonly OmittedPath[];

/** The fields of BullMQ's events; the rest of a detail is what makes an event recognisable. */
const FIELDS: ReadonlySet<string> = new Set(
  Object.values<EventKind>(CATALOGUE).flatMap(({ fields }) => Object.keys(fields)),
);

/** What a path can begin with, in words. */
export const OMITTABLE = `${[...FIELDS].sort().join(', ')}, fields, or job.<name>`;

/**
 * Reads a comma-separated list of paths such as `failedReason,returnvalue.items.*.token,job.data.password`.
 *
 * @returns `undefined` where one of them could be in no detail, or is of the envelope: what it was to protect would be
 * sent
 */
export function parseOmission(list: string): Omission | undefined {
  const paths = [...new Set(list.split(',').map((text) => text.trim()))];
  return paths.every(isOmittable) ? paths.map((text) => ({ text, names: text.split('.') })) : undefined;
}

export function isOmittable(path: string): boolean {
  const names = path.split('.');
  const [first = '', fact, ...inner] = names;
  if (names.includes('')) return false;
  if (first !== 'job') return first === 'fields' || FIELDS.has(first);
  return isFact(fact) && (inner.length === 0 || JOB_FACTS[fact].type === 'json');
}

/**
 * What a path leaves of itself behind a name that it begins with, in each way that it does; empty where the name is its
 * end.
 */
export function behind(names: readonly string[], name: string): (readonly string[])[] {
  const rests = names[0] === '*' || names[0] === name ? [names.slice(1)] : [];
  if (!name.includes('.')) return rests;
  // Names can have dots in them, and paths cannot say so.
  const length = name.split('.').length;
  return names.slice(0, length).join('.') === name ? [...rests, names.slice(length)] : rests;
}

/**
 * Takes what a path names out of a value, which is changed; an element of a list becomes `null`, so that the others
 * keep their places.
 *
 * A name that meets a list is looked for in each of its elements: that the path leaves out the `*` must not let
 * anything through.
 * @returns whether there was anything
 */
export function takeOut(value: JsonValue | undefined, names: readonly string[]): boolean {
  const [first] = names;
  if (first === undefined || typeof value !== 'object' || value === null || isRawJSON(value)) return false;
  const isList = Array.isArray(value);
  if (isList && !/^(\*|\d+)$/.test(first)) return value.map((element) => takeOut(element, names)).includes(true);
  const owner = value as Record<string, JsonValue>;
  let found = false;
  for (const name of Object.keys(owner)) {
    for (const rest of behind(names, name)) {
      if (rest.length > 0) found = takeOut(owner[name], rest) || found;
      else {
        if (isList) owner[name] = null;
        else delete owner[name];
        found = true;
      }
    }
  }
  return found;
}
