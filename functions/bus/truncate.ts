import { type BusEntry, entryBytes } from './entry.ts';

type Detail = Record<string, unknown>;

/** A field that can be cut. */
interface Field {
  readonly owner: Detail;
  readonly name: string;
  /** Its name in `detail.truncated`: `fields.x` for a custom field. */
  readonly path: string;
  /** The size of its value as JSON. */
  readonly bytes: number;
}

/** What makes the event recognisable is never cut. */
const IDENTITY = new Set(['version', 'id', 'sourceName', 'prefix', 'queue', 'streamId', 'sequence', 'timestamp']);
const GROUPS = ['fields', 'repeated', 'unparsed'];
/** A field's name can be as long as its value. */
const MAX_PATH = 128;
/** Smaller fields are not worth an item of `detail.truncated`: their whole group is left out instead. */
const WORTH_CUTTING = 512;

/**
 * Cuts the largest fields of an event until it fits; `detail.truncated` says which they were and how many bytes they had.
 *
 * What stays of a field is the beginning of its text, for a value that is not a text of its JSON. An entry that fits is
 * returned as it is.
 */
export function truncate<E extends BusEntry>(entry: E, maxBytes: number): E {
  let cut = entry;
  const detail: Detail = entryBytes(entry) > maxBytes ? JSON.parse(entry.Detail) : {};
  const truncated = new Map<string, number>();
  while (entryBytes(cut) > maxBytes) {
    const excess = entryBytes(cut) - maxBytes;
    const field =
      largest(cuttableFields(detail), WORTH_CUTTING) ?? largest(groups(detail)) ?? largest(topFields(detail), 3);
    if (!field) break;
    const value = field.owner[field.name];
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    if (!truncated.has(field.path)) truncated.set(field.path, Buffer.byteLength(text));
    if (GROUPS.includes(field.path)) delete detail[field.name];
    else field.owner[field.name] = jsonPrefix(text, field.bytes - excess - MAX_PATH);
    const list = [...truncated].map(([path, bytes]) => ({ field: path, bytes }));
    cut = { ...entry, Detail: JSON.stringify({ ...detail, truncated: list }) };
  }
  return cut;
}

function cuttableFields(detail: Detail): Field[] {
  const members = ['fields', 'repeated'].flatMap((group) => {
    const owner = detail[group] as Detail | undefined;
    return Object.keys(owner ?? {}).map((name) => toField(owner as Detail, name, `${group}.${name}`));
  });
  return [...topFields(detail), ...members];
}

function topFields(detail: Detail): Field[] {
  const names = Object.keys(detail).filter((name) => !IDENTITY.has(name) && !GROUPS.includes(name));
  return names.map((name) => toField(detail, name, name));
}

function groups(detail: Detail): Field[] {
  return GROUPS.filter((group) => group in detail).map((group) => toField(detail, group, group));
}

function toField(owner: Detail, name: string, path: string): Field {
  return { owner, name, path: path.slice(0, MAX_PATH), bytes: jsonBytes(owner[name]) };
}

function largest(fields: Field[], least = 0): Field | undefined {
  const field = fields.reduce<Field | undefined>(
    (most, next) => (most && most.bytes >= next.bytes ? most : next),
    undefined,
  );
  return field && field.bytes >= least ? field : undefined;
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

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
