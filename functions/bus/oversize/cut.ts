import { isUtf8 } from 'node:buffer';
import { StringDecoder } from 'node:string_decoder';
import {
  type AnyEntry,
  type BusEntry,
  isLarge,
  type LargeEntry,
  MAX_REQUEST_BYTES,
  toText,
} from '../../event/bus-entry.ts';
import { type Field, jsonField } from '../../event/field.ts';
import { parseExact } from '../../event/json.ts';
import { bytesIn, choose, isIn, type Sized, sized, sizeOf } from './choose.ts';

/** Bytes of the whole value of each field that is cut, by its path. */
type Cuts = Map<string, number>;

const [SPACE, QUOTE, BACKSLASH] = Buffer.from(' "\\') as unknown as [number, number, number];
const NOTHING: Buffer = Buffer.alloc(0);
/** Bytes of an empty text as JSON. */
const EMPTY_BYTES = 2;

/**
 * Cuts the largest fields of an entry, as few as possible, so that it fits; `detail.truncated` lists each field with
 * its original number of bytes.
 *
 * A cut field has the beginning of its text, or of its JSON if it is not a text. Many small fields are not cut one by
 * one: their whole group is left out.
 */
export function cut(entry: AnyEntry, maxBytes: number): BusEntry {
  if (!isLarge(entry)) return entry;
  let fields = sized(entry.Detail.fields);
  const cuts: Cuts = new Map(
    fields.flatMap(({ field: { path, whole } }) => (whole === undefined ? [] : [[path, whole]])),
  );
  let excess = bytesOf(entry, fields, cuts) - maxBytes;
  if (excess > 0) {
    fields = sized(entry.Detail.fields.map(withoutEscapes));
    excess = bytesOf(entry, fields, cuts) - maxBytes;
  }
  if (excess <= 0) return toText(withCuts(entry, fields, cuts));
  const costOf = (path: string) => EMPTY_BYTES + Buffer.byteLength(itemOf(path, Number.MAX_SAFE_INTEGER));
  const { single, groups } = choose(fields, excess, costOf);
  for (const [name, members] of groups) {
    for (const { field } of members) cuts.delete(field.path);
    cuts.set(
      name,
      members.reduce((sum, member) => sum + bytesIn(member), 0),
    );
  }
  for (const { field } of single) cuts.set(field.path, cuts.get(field.path) ?? textOf(field).bytes);
  const chosen = new Set(single.map(({ field }) => field));
  const kept = fields
    .filter(({ field }) => !isIn(groups, field))
    .map((each) => (chosen.has(each.field) ? { field: textField(each.field, NOTHING), size: EMPTY_BYTES } : each));
  const last = single.at(-1);
  if (!last) return toText(withCuts(entry, kept, cuts));
  const room = maxBytes - bytesOf(entry, kept, cuts);
  const filled = kept.map(({ field, size }) =>
    field.path === last.field.path
      ? { field: textField(field, beginningOf(last.field, size + room)), size }
      : { field, size },
  );
  return toText(withCuts(entry, filled, cuts));
}

/** Removes unnecessary escapes, such as Python's, which can make JSON up to six times as long. */
function withoutEscapes(field: Field): Field {
  const { path, kind, bytes } = field;
  if (kind !== 'json' || bytes.length > 6 * MAX_REQUEST_BYTES || !bytes.includes(BACKSLASH)) return field;
  return jsonField(path, parseExact(bytes.toString()));
}

function textField({ path }: Field, bytes: Buffer): Field {
  return { path, kind: 'text', bytes };
}

function withCuts(entry: LargeEntry, fields: readonly Sized[], cuts: Cuts): LargeEntry {
  const { envelope, ...detail } = entry.Detail;
  const list = listOf(cuts);
  return { ...entry, Detail: { ...detail, envelope: envelope + list, fields: fields.map(({ field }) => field) } };
}

/** The size of the whole entry as EventBridge counts it. */
function bytesOf(entry: LargeEntry, fields: readonly Sized[], cuts: Cuts): number {
  return sizeOf(entry, fields) + Buffer.byteLength(listOf(cuts));
}

function listOf(cuts: Cuts): string {
  if (cuts.size === 0) return '';
  return `,"truncated":[${Array.from(cuts, ([path, bytes]) => itemOf(path, bytes)).join()}]`;
}

function itemOf(field: string, bytes: number): string {
  return JSON.stringify({ field, bytes });
}

interface Text {
  /** The UTF-8 bytes of the text. */
  readonly bytes: number;
  /** The text as it is stored, as far as it is needed. */
  readonly stored: Buffer;
}

/** A value as a text: the content of a JSON string, or the JSON of any other value. */
function textOf({ kind, bytes }: Field): Text {
  const isString = kind === 'json' && bytes.find((byte) => byte > SPACE) === QUOTE;
  if (isString && bytes.includes(BACKSLASH)) {
    const stored = Buffer.from(JSON.parse(bytes.toString()));
    return { bytes: stored.length, stored };
  }
  const stored = isString ? bytes.subarray(bytes.indexOf(QUOTE) + 1, bytes.lastIndexOf(QUOTE)) : bytes;
  return { bytes: isUtf8(stored) ? stored.length : Buffer.byteLength(stored.toString()), stored };
}

/** About the longest beginning of a value that has at most `maxBytes` as a JSON string. */
function beginningOf(field: Field, maxBytes: number): Buffer {
  const { stored } = textOf(field);
  let length = Math.min(stored.length, Math.max(0, maxBytes - EMPTY_BYTES));
  for (;;) {
    // The decoder leaves out an incomplete character at the end.
    const text = new StringDecoder().write(stored.subarray(0, length));
    const bytes = Buffer.byteLength(JSON.stringify(text));
    if (bytes <= maxBytes || length === 0) return Buffer.from(text);
    length = Math.min(length - 1, Math.floor((length * maxBytes) / bytes));
  }
}
