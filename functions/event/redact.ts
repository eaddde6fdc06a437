import { MAX_REQUEST_BYTES } from './bus-entry.ts';
import type { DecodedEvent } from './decode.ts';
import { customPath, type Field, groupOf, jsonField, nameOf } from './field.ts';
import { parseExact } from './json.ts';
import { behind, type Omission, takeOut } from './omit.ts';

/** An event without the fields that must not leave Redis. */
export interface Redacted extends DecodedEvent {
  /** The configured paths for which something was left out. */
  readonly hits: ReadonlySet<string>;
}

/**
 * Removes the fields that must not leave Redis from an event.
 *
 * A path applies to fields of the catalogue and to custom fields of that name. If it leads into a field that is not
 * JSON, is too large to be parsed, or is repeated, the whole field is left out.
 */
export function redact(decoded: DecodedEvent, omission: Omission): Redacted {
  const hits = new Set<string>();
  const gone = new Set<string>();
  const paths = new Set(decoded.fields.map(({ path }) => path));
  const fields = decoded.fields.flatMap((field) => {
    const matches = omission.flatMap(({ text, names }) =>
      pathsInto(field, names, paths).map((inner) => ({ text, inner }) as const),
    );
    if (matches.length === 0) return field;
    if (!isReadable(field) || matches.some(({ inner }) => inner.length === 0)) {
      for (const { text } of matches) hits.add(text);
      gone.add(field.path);
      return [];
    }
    const value = parseExact(field.bytes.toString());
    const found = matches.filter(({ inner }) => takeOut(value, inner));
    for (const { text } of found) hits.add(text);
    return found.length > 0 ? jsonField(field.path, value) : field;
  });
  return { ...decoded, fields, unparsed: decoded.unparsed.filter((path) => !gone.has(path)), hits };
}

/** The rests of a path within a field, one for each way in which the path matches the field. */
function pathsInto(field: Field, names: readonly string[], all: ReadonlySet<string>): (readonly string[])[] {
  if (field.path === 'event' || field.path === 'jobId') return [];
  const name = nameOf(field);
  if (names[0] !== 'fields') return behind(names, name);
  if (!all.has(customPath(name))) return [];
  return names.length === 1 ? [[]] : behind(names.slice(1), name);
}

/** Whether a field can be parsed; a larger value would be in memory in several copies. */
function isReadable(field: Field): boolean {
  return field.kind === 'json' && groupOf(field) !== 'repeated' && field.bytes.length <= MAX_REQUEST_BYTES;
}
