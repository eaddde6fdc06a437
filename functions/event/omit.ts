import { CATALOGUE, type EventKind } from './catalogue.ts';
import type { JsonValue } from './detail.ts';
import { isFact, JOB_FACTS } from './job-fields.ts';
import { isRawJSON } from './json.ts';

/** The path of one or more values that must not leave Redis. */
interface OmittedPath {
  /** The configured text. */
  readonly text: string;
  /** Names from the detail inwards; `*` is any name or index. */
  readonly names: readonly string[];
}

/** The paths of fields that must not leave Redis. */
export type Omission = readonly OmittedPath[];

/** The fields of BullMQ's events; the other fields of a detail identify the event. */
const FIELDS: ReadonlySet<string> = new Set(
  Object.values<EventKind>(CATALOGUE).flatMap(({ fields }) => Object.keys(fields)),
);

/** The names that a path can begin with, for messages. */
export const OMITTABLE = `${[...FIELDS].sort().join(', ')}, fields, or job.<name>`;

/**
 * Parses a comma-separated list of paths such as `failedReason,returnvalue.items.*.token,job.data.password`.
 *
 * @returns `undefined` if one of them can be in no detail, or belongs to the envelope: the value that it was meant to
 * protect would be sent
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
 * The rests of a path behind a name that it begins with, one for each way in which it matches; a rest is empty if the
 * path ends with the name.
 */
export function behind(names: readonly string[], name: string): (readonly string[])[] {
  const rests = names[0] === '*' || names[0] === name ? [names.slice(1)] : [];
  if (!name.includes('.')) return rests;
  // A name can contain dots, which a path does not distinguish from its own.
  const length = name.split('.').length;
  return names.slice(0, length).join('.') === name ? [...rests, names.slice(length)] : rests;
}

/**
 * Removes the values of a path from a value, in place; an element of a list becomes `null`, so that the others keep
 * their indexes.
 *
 * A name also applies to each element of a list, so that a path without the `*` lets nothing through.
 * @returns whether anything was removed
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
