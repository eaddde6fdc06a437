import { isUtf8 } from 'node:buffer';
import { type FieldType, kindOf } from './catalogue.ts';
import type { JsonValue } from './detail.ts';
import type { LargeField } from './entry.ts';
import { MAX_REQUEST_BYTES } from './entry.ts';
import { CUSTOM, MAX_PATH } from './fields.ts';
import { isJson } from './json.ts';

/** The fields of a stream entry, read. */
export interface DecodedEvent {
  /** Absent where the entry has no `event` field or an empty one. */
  readonly event?: string;
  readonly jobId?: string;
  /** The fields that the catalogue knows of this event. */
  readonly known: Readonly<Record<string, JsonValue>>;
  /** Fields that are too large for any event, as they are; these are in none of the others. */
  readonly large?: readonly LargeField[];
  /** Every other field, as text. */
  readonly fields?: Readonly<Record<string, string>>;
  /** All values of each field name that stands there more than once, as text; the last one is the field's value. */
  readonly repeated?: Readonly<Record<string, readonly string[]>>;
  /**
   * Names of the fields that could not be read as what they should be and are passed on as text: no JSON, no number, JSON
   * nested too deep for EventBridge, or bytes that are not UTF-8 (each such byte as U+FFFD). `fields.x` for a custom field.
   */
  readonly unparsed?: readonly string[];
}

/**
 * EventBridge refuses a detail nested deeper than 1,000 levels; the detail itself and the field in it are two of them.
 * https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html
 */
export const MAX_DEPTH = 998;

const EVENT = Buffer.from('event');
const JOB_ID = Buffer.from('jobId');

/** The value of an entry's `event` field, `undefined` without one. */
export function eventName(fields: readonly Buffer[]): string | undefined {
  return lastValue(fields, EVENT)?.toString() || undefined;
}

/** The id of an entry's job as Redis has it, which may be no UTF-8; `undefined` for an entry that is about no job. */
export function jobIdOf(fields: readonly Buffer[]): Buffer | undefined {
  return lastValue(fields, JOB_ID);
}

/** Of a name that stands there more than once the last value counts, as in `QueueEvents`. */
function lastValue(fields: readonly Buffer[], name: Buffer): Buffer | undefined {
  for (let i = fields.length - 2; i >= 0; i -= 2) {
    // Most names are told apart by their length alone, which is cheaper.
    if (fields[i]?.length === name.length && fields[i]?.equals(name)) return fields[i + 1];
  }
  return undefined;
}

/** Reads the fields of a stream entry; there is nothing in an entry that makes it throw. */
export function decode(fields: readonly Buffer[]): DecodedEvent {
  const event = eventName(fields);
  const types = event === undefined ? undefined : kindOf(event)?.fields;
  const { values, repeated, broken } = readValues(fields);
  const known: Record<string, JsonValue> = {};
  const large: LargeField[] = [];
  let others: Record<string, string> | undefined;
  const unparsed: string[] = [];
  values.forEach((read, name) => {
    const isBroken = broken?.has(name) ?? false;
    const type = types && Object.hasOwn(types, name) ? types[name] : undefined;
    const isCustom = type === undefined && name !== 'event' && name !== 'jobId';
    const path = isCustom ? `${CUSTOM}${name}` : name;
    if (isCustom) others ??= record();
    if (typeof read !== 'string' && (type || isCustom) && path.length <= MAX_PATH && !repeated?.[name]) {
      const isRead = !isBroken && (type === 'json' ? isJson(read, MAX_DEPTH) : type !== 'number');
      large.push({ path, value: read, isJson: isRead && type === 'json' });
      if (!isRead) unparsed.push(path);
      return;
    }
    const text = read.toString();
    const value = type && !isBroken ? parse(text, type, MAX_DEPTH) : undefined;
    if (isCustom && others) others[name] = text;
    if (type) known[name] = value ?? (value === null ? null : text);
    if (isBroken || (type && value === undefined)) unparsed.push(path);
  });
  const jobId = values.get('jobId')?.toString();
  return {
    ...(event !== undefined && { event }),
    ...(jobId !== undefined && { jobId }),
    known,
    ...(large.length > 0 && { large }),
    ...(others && { fields: others }),
    ...(repeated && { repeated }),
    ...(unparsed.length > 0 && { unparsed }),
  };
}

/** The last value of each name, all values of those that stand there more than once, and the names that are not UTF-8. */
function readValues(fields: readonly Buffer[]) {
  const values = new Map<string, string | Buffer>();
  let repeated: Record<string, string[]> | undefined;
  let broken: Set<string> | undefined;
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [nameBytes, bytes] = [fields[i] as Buffer, fields[i + 1] as Buffer];
    const name = nameBytes.toString();
    // No request to EventBridge takes a larger one, and as text it would be in memory several times over.
    const value = bytes.length > MAX_REQUEST_BYTES ? bytes : bytes.toString();
    const before = values.get(name);
    if (before !== undefined) {
      repeated ??= record();
      repeated[name] ??= [before.toString()];
      repeated[name].push(value.toString());
    }
    values.set(name, value);
    if (!isUtf8Text(nameBytes, name) || !isUtf8Text(bytes, value)) {
      broken ??= new Set();
      broken.add(name);
    }
  }
  return { values, repeated, broken };
}

/** Whether bytes are UTF-8, which a text without U+FFFD has shown already. */
function isUtf8Text(bytes: Buffer, read: string | Buffer): boolean {
  return (typeof read === 'string' && !read.includes('\ufffd')) || isUtf8(bytes);
}

/** Reads a text as what it should be; `undefined` where it is not, or is JSON that is nested deeper than so many levels. */
export function parse(text: string, type: FieldType, maxDepth: number): JsonValue | undefined {
  if (type === 'text') return text;
  return type === 'number' ? parseNumber(text) : parseJson(text, maxDepth);
}

function parseJson(text: string, maxDepth: number): JsonValue | undefined {
  try {
    const value: JsonValue = JSON.parse(text);
    // Each level takes two characters, so most texts are too short to be nested too deep.
    return text.length > 2 * maxDepth && isDeeperThan(value, maxDepth) ? undefined : value;
  } catch {
    return undefined;
  }
}

/** Whole numbers that a rule can compare; BullMQ 4 wrote `delay` with fractions. */
function parseNumber(text: string): number | undefined {
  const value = /^-?\d+(\.\d+)?$/.test(text) ? Math.trunc(Number(text)) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}

function isDeeperThan(value: JsonValue, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((inner) => isDeeperThan(inner, depth - 1));
}

/** Without a prototype, so that a field named `__proto__` is a field like any other. */
function record<T>(): Record<string, T> {
  return Object.create(null);
}
