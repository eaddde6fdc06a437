/** The detail of an event, read. */
export type Detail = Record<string, unknown>;

/** A field that can be taken out of a detail. */
export interface Field {
  readonly owner: Detail;
  readonly name: string;
  /** Its name within the detail: `fields.x` for a custom field. */
  readonly path: string;
  /** The size of its value as JSON. */
  readonly bytes: number;
}

/** What makes an event recognisable, and what was said of the fields that are no longer whole, always stays. */
const IDENTITY = new Set([
  'version',
  'id',
  'sourceName',
  'prefix',
  'queue',
  'streamId',
  'sequence',
  'timestamp',
  'omitted',
  'truncated',
  'claimCheck',
]);
const GROUPS = ['fields', 'repeated', 'unparsed'];
/** What the path of a custom field begins with. */
export const CUSTOM = 'fields.';
/** A custom field's name can be as long as its value; one with a longer name goes with its whole group. */
export const MAX_PATH = 128;
/** Smaller fields are not worth to be listed: their whole group goes instead. */
const WORTH_LISTING = 512;
/** As many fields go one by one, so that their list stays short: then whole groups. */
const MAX_LISTED = 32;

/** The field to take out of a detail next when `listed` are out already: the largest, where it is worth it, then a whole group. */
export function nextField(detail: Detail, listed: number): Field | undefined {
  const single = listed < MAX_LISTED ? largest(singleFields(detail), WORTH_LISTING) : undefined;
  return single ?? largest(groups(detail)) ?? largest(topFields(detail), 3);
}

/** Whether a field holds many others. */
export function isGroup({ path }: Field): boolean {
  return GROUPS.includes(path);
}

function singleFields(detail: Detail): Field[] {
  const members = ['fields', 'repeated'].flatMap((group) => {
    const owner = detail[group] as Detail | undefined;
    return Object.keys(owner ?? {}).map((name) => toField(owner as Detail, name, `${group}.${name}`));
  });
  return [...topFields(detail), ...members.filter(({ path }) => path.length <= MAX_PATH)];
}

function topFields(detail: Detail): Field[] {
  const names = Object.keys(detail).filter((name) => !IDENTITY.has(name) && !GROUPS.includes(name));
  return names.map((name) => toField(detail, name, name));
}

function groups(detail: Detail): Field[] {
  return GROUPS.filter((group) => group in detail).map((group) => toField(detail, group, group));
}

function toField(owner: Detail, name: string, path: string): Field {
  return { owner, name, path, bytes: jsonBytes(owner[name]) };
}

function largest(fields: Field[], least = 0): Field | undefined {
  const field = fields.reduce<Field | undefined>(
    (most, next) => (most && most.bytes >= next.bytes ? most : next),
    undefined,
  );
  return field && field.bytes >= least ? field : undefined;
}

/** The UTF-8 bytes of a value as JSON. */
export function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
