import { kindOf } from './catalogue.ts';
import type { DecodedEvent } from './decode.ts';
import type { JsonValue } from './detail.ts';
import { CUSTOM } from './fields.ts';
import { behind, type Omission, takeOut } from './omit.ts';

/** Fields of an event without those that must not leave Redis. */
export interface Redacted extends DecodedEvent {
  /** The paths that left something out, as they were configured. */
  readonly hits: ReadonlySet<string>;
}

/**
 * Leaves out of an event's fields what must not leave Redis; its values are changed.
 *
 * A name leaves out the field of that name also of an event that has it as a custom one. Of a text, whether it is one or could not be
 * read as JSON or was not, for its size, a path into it leaves out the whole; so it does of all values of a field that stands there
 * more than once.
 */
export function leaveOut(decoded: DecodedEvent, omission: Omission): Redacted {
  const known: Record<string, JsonValue> = { ...decoded.known };
  const custom = new Map(Object.entries(decoded.fields ?? {}));
  const repeated = new Map(Object.entries(decoded.repeated ?? {}));
  const large = new Map((decoded.large ?? []).map((field) => [field.path, field]));
  const types = kindOf(decoded.event ?? '')?.fields ?? {};
  const hits = new Set<string>();
  const gone = new Set<string>();

  /** What is left of the path is for the inside of the field. */
  function leaveOutKnown(name: string, inner: readonly string[]): boolean {
    if (!Object.hasOwn(types, name)) return false;
    const isRead = types[name] === 'json' && !decoded.unparsed?.includes(name);
    const others = [repeated.delete(name), large.delete(name)].includes(true);
    if (inner.length > 0 && isRead && Object.hasOwn(known, name)) return takeOut(known[name], inner) || others;
    const found = Object.hasOwn(known, name) || others;
    delete known[name];
    gone.add(name);
    return found;
  }

  /** A custom field is a text, so any path that begins with its name leaves it out. */
  function leaveOutCustom(names: readonly string[]): boolean {
    const largeNames = [...large.keys()]
      .filter((path) => path.startsWith(CUSTOM))
      .map((path) => path.slice(CUSTOM.length));
    const named = [...custom.keys(), ...largeNames].filter(
      (name) => names.length === 0 || behind(names, name).length > 0,
    );
    for (const name of named) {
      custom.delete(name);
      large.delete(`${CUSTOM}${name}`);
      repeated.delete(name);
      gone.add(`${CUSTOM}${name}`);
    }
    return named.length > 0;
  }

  for (const { text, names } of omission) {
    const [first = '', ...inner] = names;
    if (first === 'job') continue;
    const found = first === 'fields' ? [leaveOutCustom(inner)] : [leaveOutKnown(first, inner), leaveOutCustom(names)];
    if (found.includes(true)) hits.add(text);
  }
  const unparsed = decoded.unparsed?.filter((name) => !gone.has(name));
  const { event, jobId } = decoded;
  return {
    ...(event !== undefined && { event }),
    ...(jobId !== undefined && { jobId }),
    known,
    hits,
    ...(large.size > 0 && { large: [...large.values()] }),
    ...(custom.size > 0 && { fields: recordOf(custom) }),
    ...(repeated.size > 0 && { repeated: recordOf(repeated) }),
    ...(unparsed && unparsed.length > 0 && { unparsed }),
  };
}

/** Without a prototype, as they were. */
function recordOf<T>(entries: ReadonlyMap<string, T>): Record<string, T> {
  return Object.assign(Object.create(null), Object.fromEntries(entries));
}
