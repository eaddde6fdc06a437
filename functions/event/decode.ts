import { isUtf8 } from 'node:buffer';
import { bytesOf, isCut, lengthOf, type Value } from '../stream/entry.ts';
import { type FieldType, kindOf } from './catalogue.ts';
import { customPath, type Field, jsonField } from './field.ts';
import { isJson } from './json.ts';

/** A decoded stream entry. */
export interface DecodedEvent {
  /** Absent if the entry has no `event` field or an empty one. */
  readonly event: string | undefined;
  readonly jobId: string | undefined;
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

/** Decodes the fields of a stream entry. It never throws. */
export function decode(pairs: readonly Value[]): DecodedEvent {
  const event = eventName(pairs);
  const types: Readonly<Record<string, FieldType>> = (event !== undefined && kindOf(event)?.fields) || {};
  const known: Field[] = [];
  const custom: Field[] = [];
  const repeated: Field[] = [];
  const unparsed: string[] = [];
  let jobId: string | undefined;
  const { places, repeats } = namesIn(pairs);
  for (const [name, place] of places) {
    const value = pairs[place + 1] as Value;
    const all = repeats?.get(name);
    const isBroken = all ? !all.every((each) => isText(pairs, each)) : !isText(pairs, place);
    const isOwn = name === 'event' || name === 'jobId';
    const type = Object.hasOwn(types, name) ? types[name] : isOwn ? 'text' : undefined;
    const path = type ? name : customPath(name);
    const whole = read(path, value, isBroken ? 'text' : (type ?? 'text'));
    const field = isCut(pairs[place] as Value) ? { ...whole, whole: lengthOf(value) } : whole;
    if (name === 'jobId') jobId = field.bytes.toString();
    if (name !== 'event' || event !== undefined) (type ? known : custom).push(field);
    if (all) {
      const texts = all.map((each) => textOf(pairs[each + 1] as Value));
      repeated.push(jsonField(`repeated.${name}`, texts));
    }
    const isPlain = field.kind === 'text' && field.whole === undefined;
    if (isBroken || (isPlain && (type === 'json' || type === 'number'))) unparsed.push(path);
  }
  const fields = custom.length + repeated.length === 0 ? known : [...known, ...custom, ...repeated];
  return { event, jobId, fields, unparsed };
}

/** Reads a value as its type, or as text if that is not possible. */
function read(path: string, value: Value, type: FieldType): Field {
  if (isCut(value)) return { path, kind: 'text', bytes: value.head, whole: value.bytes };
  if (type === 'json' && isJson(value, MAX_DEPTH)) return { path, kind: 'json', bytes: value };
  const number = type === 'number' ? parseNumber(value.toString()) : undefined;
  if (number !== undefined) return jsonField(path, number);
  return { path, kind: 'text', bytes: value };
}

interface Names {
  /** The place of each name's last value, in the order in which the names first appear. */
  readonly places: ReadonlyMap<string, number>;
  /** All places of each name that appears more than once; absent if none does. */
  readonly repeats: ReadonlyMap<string, readonly number[]> | undefined;
}

function namesIn(pairs: readonly Value[]): Names {
  const places = new Map<string, number>();
  let repeats: Map<string, number[]> | undefined;
  for (let place = 0; place + 1 < pairs.length; place += 2) {
    const name = textOf(pairs[place] as Value);
    const before = places.get(name);
    places.set(name, place);
    if (before === undefined) continue;
    repeats ??= new Map();
    const all = repeats.get(name) ?? [before];
    all.push(place);
    repeats.set(name, all);
  }
  return { places, repeats };
}

function textOf(value: Value): string {
  return bytesOf(value).toString();
}

/** Whether the name and the value at a place are UTF-8; a cut value may end within a character and counts as UTF-8. */
function isText(pairs: readonly Value[], place: number): boolean {
  const name = pairs[place] as Value;
  const value = pairs[place + 1] as Value;
  return (isCut(name) || isUtf8(name)) && (isCut(value) || isUtf8(value));
}

/** Parses a number as a whole number, which rules can compare; BullMQ 4 wrote `delay` with fractions. */
export function parseNumber(text: string): number | undefined {
  const value = /^-?\d+(\.\d+)?$/.test(text) ? Math.trunc(Number(text)) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}
