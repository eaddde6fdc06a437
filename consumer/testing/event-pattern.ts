import {
  compileValues,
  InvalidPatternError,
  isObject,
  RESERVED_NAMES,
  type Value,
  type ValueMatcher,
} from './value-matchers.ts';

/** Conditions on the fields of an event, by path. */
type Conditions = ReadonlyMap<string, ValueMatcher>;

/** The array elements that contain a field: the index in each array, by the number of the array in the event. */
type Elements = ReadonlyMap<number, number>;

/** A value somewhere in an event. */
interface Field {
  readonly value: Value;
  readonly elements: Elements;
}

/**
 * Compiles an event pattern to a function that decides whether an event matches, like a rule of EventBridge.
 *
 * Patterns: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html and
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html. Cases that these pages leave
 * open follow AWS's own engine: https://github.com/aws/event-ruler. There are deliberate differences:
 * - `$or` without a list of two or more objects is refused; the engine treats it as a field of that name.
 * - Each value of a list and each branch of `$or` matches independently; in the engine, a few overlapping ones
 * interfere
 *   with each other.
 * - Whole numbers above 2^53 are rounded, as JavaScript reads them; the engine compares their digits.
 *
 * @throws {InvalidPatternError} for a pattern that EventBridge refuses
 */
export function compilePattern(pattern: unknown): (event: object) => boolean {
  const alternatives = compileFields(pattern, { path: '', where: '', reserved: new Set() }, [new Map()]).map(inOrder);
  return (event) => {
    const fields = fieldsOf(event);
    return alternatives.some((conditions) => areMet(conditions, fields, new Map()));
  };
}

interface PatternPlace {
  /** The path of a field in events, without `$or`. */
  readonly path: string;
  /** The path in the pattern, for messages. */
  readonly where: string;
  /** Names that fields cannot have here. */
  readonly reserved: ReadonlySet<string>;
}

/**
 * Adds the conditions of an object in a pattern to each set of earlier conditions; for `$or`, to a copy of each set for
 * each branch.
 *
 * A later condition on the same field replaces an earlier one.
 */
function compileFields(given: unknown, place: PatternPlace, before: readonly Conditions[]): readonly Conditions[] {
  const entries = isObject(given) ? Object.entries(given) : [];
  if (entries.length === 0) {
    throw new InvalidPatternError(place.where, given, 'an object with fields, and lists of values in the innermost');
  }
  return entries.reduce((alternatives: readonly Conditions[], [name, value]) => {
    const { path, where, reserved } = place;
    if (reserved.has(name)) {
      const allowed = `an object with fields that have other names than "${name}", which is reserved inside of $or`;
      throw new InvalidPatternError(where, given, allowed);
    }
    const inner = { path: join(path, name), where: join(where, name), reserved };
    if (name === '$or') return compileOr(value, { ...inner, path, reserved: RESERVED_NAMES }, alternatives);
    if (isObject(value)) return compileFields(value, inner, alternatives);
    if (!Array.isArray(value)) {
      throw new InvalidPatternError(inner.where, value, 'a list of values and operators, or an object with fields');
    }
    const matcher = compileValues(value, inner.where);
    return alternatives.map((conditions) => new Map(conditions).set(inner.path, matcher));
  }, before);
}

function compileOr(given: unknown, place: PatternPlace, before: readonly Conditions[]): readonly Conditions[] {
  if (!Array.isArray(given) || given.length < 2) {
    throw new InvalidPatternError(place.where, given, 'a list of two or more objects with fields');
  }
  return given.flatMap((branch, i) => compileFields(branch, { ...place, where: `${place.where}[${i}]` }, before));
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

type Condition = readonly [path: string, matches: ValueMatcher];

/**
 * The conditions by path, the order of the engine: a field that must be missing is looked for in the array element that
 * earlier conditions have bound.
 */
function inOrder(conditions: Conditions): readonly Condition[] {
  return [...conditions].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The values of an event, by path; a value in an array has the path of the array. */
function fieldsOf(event: object): ReadonlyMap<string, readonly Field[]> {
  const fields = new Map<string, Field[]>();
  let arrays = 0;
  function add(value: unknown, path: string, elements: Elements): void {
    if (Array.isArray(value)) {
      const array = arrays++;
      value.forEach((element, i) => {
        // A plain value binds no element: other fields may match in any element.
        const isPlain = typeof element !== 'object' || element === null;
        add(element, path, isPlain ? elements : new Map(elements).set(array, i));
      });
    } else if (isObject(value)) {
      for (const [name, inner] of Object.entries(value)) add(inner, join(path, name), elements);
    } else {
      const others = fields.get(path);
      const field = { value: value as Value, elements };
      if (others) others.push(field);
      else fields.set(path, [field]);
    }
  }
  add(event, '', new Map());
  return fields;
}

/** Whether each condition has a matching value, and no two of these values are in different elements of one array. */
function areMet(
  [condition, ...others]: readonly Condition[],
  fields: ReadonlyMap<string, readonly Field[]>,
  bound: Elements,
): boolean {
  if (!condition) return true;
  const [path, matches] = condition;
  const candidates = (fields.get(path) ?? []).filter(({ elements }) => areConsistent(bound, elements));
  if (candidates.length === 0) return matches(undefined) && areMet(others, fields, bound);
  return candidates.some(
    ({ value, elements }) => matches(value) && areMet(others, fields, new Map([...bound, ...elements])),
  );
}

function areConsistent(bound: Elements, elements: Elements): boolean {
  return [...elements].every(([array, i]) => (bound.get(array) ?? i) === i);
}
