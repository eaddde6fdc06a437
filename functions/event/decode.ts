import { isUtf8 } from 'node:buffer';
import { bytesOf, isCut, lengthOf, type Value } from '../stream/entry.ts';
import { type FieldType, kindOf } from './catalogue.ts';
import { customPath, type Field, jsonField } from './field.ts';
import { isJson } from './json.ts';

/** The fields of a stream entry, read. */
export interface DecodedEvent {
  /** Absent where the entry has no `event` field or an empty one. */
  readonly event?: string;
  readonly jobId?: string;
  /** All fields, in the order of a detail: those that the catalogue knows, custom ones, repeated ones. */
  readonly fields: readonly Field[];
  /**
   * Paths of fields that are not what they should be and are forwarded as text: no JSON, no number, JSON nested too
   * deep for EventBridge, or bytes that are not UTF-8 (each such byte as U+FFFD).
   */
  readonly unparsed: readonly string[];
}

/**
 * EventBridge refuses a detail nested deeper than 1,000 levels; the detail itself and the field in it are two of them.
 * https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html
 */
export const MAX_DEPTH = 998;

const EVENT = Buffer.from('event');
const JOB_ID = Buffer.from('jobId');

/** The value of an entry's `event` field, `undefined` without one. */
export function eventName(fields: readonly Value[]): string | undefined {
  const value = lastValue(fields, EVENT);
  return value && (bytesOf(value).toString() || undefined);
}

/** The id of an entry's job as Redis has it, which may be no UTF-8; `undefined` for an entry that is about no job. */
export function jobIdOf(fields: readonly Value[]): Buffer | undefined {
  const value = lastValue(fields, JOB_ID);
  return value && isCut(value) ? undefined : value;
}

/** If a name is repeated, its last value counts, as in `QueueEvents`. */
function lastValue(fields: readonly Value[], name: Buffer): Value | undefined {
  for (let i = fields.length - 2; i >= 0; i -= 2) {
    const found = fields[i] as Value;
    // Most names differ in their length, which is cheaper to compare.
    if (lengthOf(found) === name.length && bytesOf(found).equals(name)) return fields[i + 1];
  }
  return undefined;
}

interface Named {
  readonly name: string;
  /** All values, the last one last. */
  readonly values: Value[];
  /** The name is too large for memory, so only its beginning is there. */
  readonly isNameCut: boolean;
  isBroken: boolean;
}

/** Reads the fields of a stream entry. No entry makes it throw. */
export function decode(pairs: readonly Value[]): DecodedEvent {
  const event = eventName(pairs);
  const types: Readonly<Record<string, FieldType>> = (event !== undefined && kindOf(event)?.fields) || {};
  const known: Field[] = [];
  const custom: Field[] = [];
  const repeated: Field[] = [];
  const unparsed: string[] = [];
  let jobId: string | undefined;
  for (const { name, values, isNameCut, isBroken } of namedValues(pairs)) {
    const value = values.at(-1) as Value;
    const isOwn = name === 'event' || name === 'jobId';
    const type = Object.hasOwn(types, name) ? types[name] : isOwn ? 'text' : undefined;
    const path = type ? name : customPath(name);
    const whole = read(path, value, isBroken ? 'text' : (type ?? 'text'));
    const field = isNameCut ? { ...whole, whole: lengthOf(value) } : whole;
    if (name === 'jobId') jobId = field.bytes.toString();
    if (name !== 'event' || event !== undefined) (type ? known : custom).push(field);
    if (values.length > 1) repeated.push(jsonField(`repeated.${name}`, values.map(textOf)));
    const isText = field.kind === 'text' && field.whole === undefined;
    if (isBroken || (isText && (type === 'json' || type === 'number'))) unparsed.push(path);
  }
  return {
    ...(event !== undefined && { event }),
    ...(jobId !== undefined && { jobId }),
    fields: [...known, ...custom, ...repeated],
    unparsed,
  };
}

/** Reads a value as what it should be, or else as text. */
function read(path: string, value: Value, type: FieldType): Field {
  if (isCut(value)) return { path, kind: 'text', bytes: value.head, whole: value.bytes };
  if (type === 'json' && isJson(value, MAX_DEPTH)) return { path, kind: 'json', bytes: value };
  const number = type === 'number' ? parseNumber(value.toString()) : undefined;
  if (number !== undefined) return jsonField(path, number);
  return { path, kind: 'text', bytes: value };
}

/** The values of each name, in the order in which the names come first. */
function namedValues(pairs: readonly Value[]): Iterable<Named> {
  const all = new Map<string, Named>();
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    const [nameValue, value] = [pairs[i] as Value, pairs[i + 1] as Value];
    const name = textOf(nameValue);
    const isBroken = !isText(nameValue) || !isText(value);
    const before = all.get(name);
    if (before) {
      before.values.push(value);
      before.isBroken ||= isBroken;
    } else all.set(name, { name, values: [value], isNameCut: isCut(nameValue), isBroken });
  }
  return all.values();
}

function textOf(value: Value): string {
  return bytesOf(value).toString();
}

/** Whether a value is UTF-8, as far as it is there: the end of a beginning can be half a character. */
function isText(value: Value): boolean {
  return isCut(value) || isUtf8(value);
}

/** Whole numbers that a rule can compare; BullMQ 4 wrote `delay` with fractions. */
export function parseNumber(text: string): number | undefined {
  const value = /^-?\d+(\.\d+)?$/.test(text) ? Math.trunc(Number(text)) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}
