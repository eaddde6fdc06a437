import { isUtf8 } from 'node:buffer';
import { bytesOf, isCut, lengthOf, type Value } from '../stream/entry.ts';
import { type FieldType, kindOf } from './catalogue.ts';
import { customPath, type Field, jsonField } from './field.ts';
import { isJson } from './json.ts';

/** A decoded stream entry. */
export interface DecodedEvent {
  /** Absent if the entry has no `event` field or an empty one. */
  readonly event?: string;
  readonly jobId?: string;
  /** All fields, in the order of a detail: fields of the catalogue, custom fields, repeated fields. */
  readonly fields: readonly Field[];
  /**
   * Paths of fields that could not be decoded and are forwarded as text: invalid JSON, JSON that is nested too deep for
   * EventBridge, not a number, or not UTF-8 (each such byte becomes U+FFFD).
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

/** The value of the `event` field of an entry; `undefined` without one. */
export function eventName(fields: readonly Value[]): string | undefined {
  const value = lastValue(fields, EVENT);
  return value && (bytesOf(value).toString() || undefined);
}

/** The job id of an entry as Redis has it, not necessarily UTF-8; `undefined` for an entry without a job. */
export function jobIdOf(fields: readonly Value[]): Buffer | undefined {
  const value = lastValue(fields, JOB_ID);
  return value && isCut(value) ? undefined : value;
}

/** If a name is repeated, its last value counts, as in `QueueEvents`. */
function lastValue(fields: readonly Value[], name: Buffer): Value | undefined {
  for (let i = fields.length - 2; i >= 0; i -= 2) {
    const found = fields[i] as Value;
    // The length is compared first, because it is cheap and most names differ in it.
    if (lengthOf(found) === name.length && bytesOf(found).equals(name)) return fields[i + 1];
  }
  return undefined;
}

interface Named {
  readonly name: string;
  /** All values, in order. */
  readonly values: Value[];
  /** Whether the name was too large for memory and was cut to its beginning. */
  readonly isNameCut: boolean;
  isBroken: boolean;
}

/** Decodes the fields of a stream entry. It never throws. */
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

/** Reads a value as its type, or as text if that is not possible. */
function read(path: string, value: Value, type: FieldType): Field {
  if (isCut(value)) return { path, kind: 'text', bytes: value.head, whole: value.bytes };
  if (type === 'json' && isJson(value, MAX_DEPTH)) return { path, kind: 'json', bytes: value };
  const number = type === 'number' ? parseNumber(value.toString()) : undefined;
  if (number !== undefined) return jsonField(path, number);
  return { path, kind: 'text', bytes: value };
}

/** The values of each name, in the order in which the names first appear. */
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

/** Whether a value is UTF-8; a cut value may end within a character and always counts as UTF-8. */
function isText(value: Value): boolean {
  return isCut(value) || isUtf8(value);
}

/** Parses a number as a whole number, which rules can compare; BullMQ 4 wrote `delay` with fractions. */
export function parseNumber(text: string): number | undefined {
  const value = /^-?\d+(\.\d+)?$/.test(text) ? Math.trunc(Number(text)) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}
