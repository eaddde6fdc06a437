import { isUtf8 } from 'node:buffer';
import { StringDecoder } from 'node:string_decoder';
import { type BusEntry, entryBytes, fits, type LargeField, MAX_REQUEST_BYTES } from '../event/entry.ts';
import { CUSTOM, type Detail, isGroup, jsonBytes, nextField } from '../event/fields.ts';

interface Cut {
  readonly field: string;
  readonly bytes: number;
}

const [SPACE, QUOTE, BACKSLASH] = Buffer.from(' "\\') as unknown as [number, number, number];

/** Room for what `detail.truncated` says of one field. */
const ITEM_BYTES = 160;

/**
 * Cuts the largest fields of an event until it fits; `detail.truncated` says which they were and how many bytes they had.
 *
 * What stays of a field is the beginning of its text, for a value that is not a text of its JSON. An entry that fits is
 * returned as it is.
 */
export function truncate(entry: BusEntry, maxBytes: number): BusEntry {
  if (fits(entry, maxBytes)) return entry;
  const { large = [], ...rest } = entry;
  const detail: Detail = JSON.parse(rest.Detail);
  // A field that was cut before had more bytes than are left of it.
  const truncated = new Map(((detail['truncated'] ?? []) as Cut[]).map(({ field, bytes }) => [field, bytes]));
  for (const field of large) put(detail, field.path, beginningOf(field, truncated));
  let cut: BusEntry = large.length > 0 ? { ...rest, Detail: JSON.stringify(detail) } : entry;
  for (let excess = entryBytes(cut) - maxBytes; excess > 0; excess = entryBytes(cut) - maxBytes) {
    const field = nextField(detail, truncated.size);
    if (!field) break;
    const value = field.owner[field.name];
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    if (!truncated.has(field.path)) truncated.set(field.path, Buffer.byteLength(text));
    if (isGroup(field)) delete detail[field.name];
    else field.owner[field.name] = jsonPrefix(text, field.bytes - excess - ITEM_BYTES);
    const list = [...truncated].map(([path, bytes]) => ({ field: path, bytes }));
    cut = { ...rest, Detail: JSON.stringify({ ...detail, truncated: list }) };
  }
  return cut;
}

/** Puts a field where it belongs. */
function put(detail: Detail, path: string, value: string): void {
  if (path.startsWith(CUSTOM))
    detail['fields'] = { ...(detail['fields'] as Detail), [path.slice(CUSTOM.length)]: value };
  else detail[path] = value;
}

/**
 * As much of a large field as any request can take; how many bytes it had goes to `truncated`, where that is not all of it.
 *
 * Most values are texts as they stand, so that no more of them than that becomes one.
 */
function beginningOf({ path, value, isJson }: LargeField, truncated: Map<string, number>): string {
  const isText = isJson && value.find((byte) => byte > SPACE) === QUOTE;
  if (isText && value.includes(BACKSLASH)) {
    const text: string = JSON.parse(value.toString());
    if (text.length > MAX_REQUEST_BYTES) truncated.set(path, Buffer.byteLength(text));
    return text.slice(0, MAX_REQUEST_BYTES);
  }
  const bytes = isText ? value.subarray(value.indexOf(QUOTE) + 1, value.lastIndexOf(QUOTE)) : value;
  if (bytes.length > MAX_REQUEST_BYTES)
    truncated.set(path, isUtf8(bytes) ? bytes.length : Buffer.byteLength(bytes.toString()));
  // Holds back half a character at the end.
  return new StringDecoder().write(bytes.subarray(0, MAX_REQUEST_BYTES));
}

/** The longest beginning of a text, roughly, that has at most `maxBytes` as JSON, without half a surrogate pair at its end. */
function jsonPrefix(text: string, maxBytes: number): string {
  let prefix = text.slice(0, Math.max(0, maxBytes));
  for (;;) {
    const bytes = jsonBytes(prefix);
    if (bytes <= maxBytes || prefix === '') return prefix.replace(/[\ud800-\udbff]$/, '');
    prefix = prefix.slice(0, Math.min(prefix.length - 1, Math.floor((prefix.length * maxBytes) / bytes)));
  }
}
