import { addressRange, networkRange } from './ip-ranges.ts';

/** A value of a field of an event; `undefined` stands for a missing field. */
export type Value = string | number | boolean | null | undefined;

export type ValueMatcher = (value: Value) => boolean;

/** EventBridge refuses this event pattern; the message has the place, the given value and the allowed values. */
export class InvalidPatternError extends Error {
  override readonly name = 'InvalidPatternError';

  /** @param where the path in the pattern; empty for the pattern itself */
  constructor(where: string, given: unknown, allowed: string) {
    const shown = typeof given === 'number' ? given : JSON.stringify(given);
    super(`${where || 'the event pattern'} is ${shown}; it must be ${allowed}`);
  }
}

type Compile = (given: unknown, where: string) => ValueMatcher;
type CompileText = (text: string, where: string) => ValueMatcher;

const OPERATORS: ReadonlyMap<string, Compile> = new Map([
  ['prefix', oneText(prefix, prefixIgnoringCase)],
  ['suffix', oneText(suffix, suffixIgnoringCase)],
  ['equals-ignore-case', oneText(equalsIgnoringCase)],
  ['wildcard', oneText(wildcard)],
  ['anything-but', anythingBut],
  ['numeric', numeric],
  ['cidr', oneText(cidr)],
  ['exists', exists],
  ['exactly', oneText((text) => (value) => value === text)],
]);

const ANYTHING_BUT_OPERATORS: ReadonlyMap<string, Compile> = new Map([
  ['prefix', noneOfTexts(prefix, 1)],
  ['suffix', noneOfTexts(suffix, 1)],
  ['equals-ignore-case', noneOfTexts(equalsIgnoringCase, 0)],
  ['wildcard', noneOfTexts(wildcard, 0)],
]);

/** Names of operators, and names that EventBridge reserves: a field inside `$or` cannot have any of them. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set([
  ...OPERATORS.keys(),
  ...['=', '<', '<=', '>', '>=', 'regex', 'not-wildcard', 'not-equals-ignore-case'],
  ...['date-after', 'date-on-or-after', 'date-before', 'date-on-or-before', 'in-date-range'],
  ...['ip-address-in-range', 'ip-address-not-in-range'],
]);

/**
 * Compiles the condition on a field: a list of values and operators, one of which must match.
 *
 * @throws {InvalidPatternError}
 */
export function compileValues(given: readonly unknown[], where: string): ValueMatcher {
  if (given.length === 0) throw new InvalidPatternError(where, given, 'a list with at least one value or operator');
  const matchers = given.map((each, i) => compileValue(each, `${where}[${i}]`));
  return (value) => matchers.some((matches) => matches(value));
}

function compileValue(given: unknown, where: string): ValueMatcher {
  if (isObject(given)) return compileOperator(OPERATORS, given, where);
  if (typeof given === 'string') return textOrAddress(given);
  if (given === null || typeof given === 'boolean' || Number.isFinite(given)) return (value) => value === given;
  throw new InvalidPatternError(where, given, 'a text, a number, true, false, null or an operator as {"prefix":"x"}');
}

function compileOperator(operators: ReadonlyMap<string, Compile>, given: object, where: string): ValueMatcher {
  const [[name, operand] = ['', undefined], ...others] = Object.entries(given);
  const compile = others.length === 0 ? operators.get(name) : undefined;
  if (compile) return compile(operand, `${where}.${name}`);
  throw new InvalidPatternError(
    where,
    given,
    `an object with exactly one of these keys: ${[...operators.keys()].join(', ')}`,
  );
}

function textOrAddress(text: string): ValueMatcher {
  return matchesText(addressRange(text) ?? ((value) => value === text));
}

function oneText(compile: CompileText, ignoringCase?: CompileText): Compile {
  return (given, where) => {
    if (typeof given === 'string') return compile(given, where);
    if (!ignoringCase) throw new InvalidPatternError(where, given, 'a text');
    if (isObject(given)) return compileOperator(new Map([['equals-ignore-case', oneText(ignoringCase)]]), given, where);
    throw new InvalidPatternError(where, given, 'a text or {"equals-ignore-case":"text"}');
  };
}

function noneOfTexts(compile: CompileText, minimum: number): Compile {
  return (given, where) => {
    const texts: unknown[] = Array.isArray(given) ? given : [given];
    const isAllowed = (text: unknown) => typeof text === 'string' && text.length >= minimum;
    if (texts.length === 0 || !texts.every(isAllowed)) {
      throw new InvalidPatternError(where, given, `a text or a list of texts${minimum ? ', none of them empty' : ''}`);
    }
    const matchers = texts.map((text) => compile(String(text), where));
    return (value) => value !== undefined && !matchers.some((matches) => matches(value));
  };
}

function anythingBut(given: unknown, where: string): ValueMatcher {
  if (isObject(given)) return compileOperator(ANYTHING_BUT_OPERATORS, given, where);
  const values: unknown[] = Array.isArray(given) ? given : [given];
  const denied = new Set(values);
  const areAlike = values.every((value) => typeof value === 'string') || values.every(Number.isFinite);
  if (values.length > 0 && areAlike) return (value) => value !== undefined && !denied.has(value);
  const allowed = 'a text, a number, a list of only texts or only numbers, or an object as {"prefix":"x"}';
  throw new InvalidPatternError(where, given, allowed);
}

function prefix(text: string): ValueMatcher {
  return matchesText((value) => value.startsWith(text));
}

function suffix(text: string): ValueMatcher {
  return matchesText((value) => value.endsWith(text));
}

function prefixIgnoringCase(text: string): ValueMatcher {
  return matchesExpression(`^${ignoringCase(text)}`);
}

function suffixIgnoringCase(text: string): ValueMatcher {
  return matchesExpression(`${ignoringCase(text)}$`);
}

function equalsIgnoringCase(text: string): ValueMatcher {
  return matchesExpression(`^${ignoringCase(text)}$`);
}

/**
 * Each character of a pattern stands for its lower-case and its upper-case form, so "ß" matches "SS", but "SS" does not
 * match "ß".
 *
 * The engine sees a character outside the basic plane as two surrogates, and each of them becomes a question mark.
 */
function ignoringCase(text: string): string {
  const forms = (char: string) => `(?:${literal(char.toLowerCase())}|${literal(char.toUpperCase())})`;
  return text
    .replaceAll(/[\ud800-\udfff]/g, '?')
    .split('')
    .map(forms)
    .join('');
}

function wildcard(text: string, where: string): ValueMatcher {
  if (!/^(?:\\[*\\]|[^*\\]|\*(?!\*))*$/.test(text)) {
    const allowed = 'a text without ** and with no backslash but in \\* (an asterisk) and \\\\ (a backslash)';
    throw new InvalidPatternError(where, text, allowed);
  }
  const parts = text.match(/\\?./gs) ?? [];
  const expressions = parts.map((part) => (part === '*' ? '.*' : literal(part.slice(-1))));
  return matchesExpression(`^${expressions.join('')}$`);
}

/** Escapes a text for a regular expression, like `RegExp.escape` of Node 24. */
function literal(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

function numeric(given: unknown, where: string): ValueMatcher {
  const [first, bound, second, top, ...others]: unknown[] = Array.isArray(given) ? given : [];
  const compare = comparison(first, bound);
  if (compare && second === undefined) return compare;
  const compareTop = comparison(second, top);
  const isRange = /^>=?<=?$/.test(`${first}${second}`) && Number(bound) < Number(top) && others.length === 0;
  if (compare && compareTop && isRange) return (value) => compare(value) && compareTop(value);
  throw new InvalidPatternError(
    where,
    given,
    'a comparison as ["=",7] or [">",7], or a range that is not empty as [">=",7,"<",8]',
  );
}

function comparison(operator: unknown, bound: unknown): ValueMatcher | undefined {
  if (typeof bound !== 'number' || !Number.isFinite(bound)) return undefined;
  const compare = (test: (value: number) => boolean) => (value: Value) => typeof value === 'number' && test(value);
  switch (operator) {
    case '=':
      return compare((value) => value === bound);
    case '<':
      return compare((value) => value < bound);
    case '<=':
      return compare((value) => value <= bound);
    case '>':
      return compare((value) => value > bound);
    case '>=':
      return compare((value) => value >= bound);
    default:
      return undefined;
  }
}

function cidr(text: string, where: string): ValueMatcher {
  const range = networkRange(text);
  if (range) return matchesText(range);
  throw new InvalidPatternError(where, text, 'a network as 10.0.0.0/8 (up to /31) or 2001:db8::/32 (up to /127)');
}

function exists(given: unknown, where: string): ValueMatcher {
  if (typeof given !== 'boolean') throw new InvalidPatternError(where, given, 'true or false');
  return (value) => (value !== undefined) === given;
}

function matchesText(test: (text: string) => boolean): ValueMatcher {
  return (value) => typeof value === 'string' && test(value);
}

function matchesExpression(source: string): ValueMatcher {
  const expression = new RegExp(source, 's');
  return matchesText((text) => expression.test(text));
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
