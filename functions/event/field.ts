import { isUtf8 } from 'node:buffer';
import { StringDecoder } from 'node:string_decoder';

/** A field of a detail, with its bytes in Redis. */
export interface Field {
  /** Its path in the detail: its name, `fields.x` for a custom field, `repeated.x` for all values of a name. */
  readonly path: string;
  /** JSON goes into the detail as it is; a text becomes a JSON string. */
  readonly kind: 'json' | 'text';
  /** JSON is valid UTF-8. In a text, bytes that are not UTF-8 become U+FFFD. */
  readonly bytes: Buffer;
  /** The length of the whole value, if `bytes` are only its beginning. */
  readonly whole?: number;
}

/** The objects in a detail whose members count as fields. */
export const GROUPS = ['fields', 'repeated'] as const;

type Group = (typeof GROUPS)[number];

/** Bytes of a text that become JSON at once; the whole text would be in memory in several copies. */
const PIECE_BYTES = 64 * 1024;

/** The path of a custom field. */
export function customPath(name: string): string {
  return `fields.${name}`;
}

/** The object that a field is a member of. */
export function groupOf({ path }: Field): Group | undefined {
  return GROUPS.find((group) => path.startsWith(group) && path[group.length] === '.');
}

export function jsonField(path: string, value: unknown): Field {
  return { path, kind: 'json', bytes: Buffer.from(JSON.stringify(value)) };
}

/** The fields as the members of one JSON object, without its braces, in pieces of text. */
export function membersOf(fields: readonly Field[]): string[] {
  const pieces: string[] = [];
  let open: Group | undefined;
  for (const field of fields) {
    const group = groupOf(field);
    if (group !== open && open) pieces.push('}');
    if (pieces.length > 0) pieces.push(',');
    if (group !== open && group) pieces.push(`"${group}":{`);
    pieces.push(JSON.stringify(nameOf(field)), ':', jsonOf(field));
    open = group;
  }
  if (open) pieces.push('}');
  return pieces;
}

/** The name of a field within its object. */
export function nameOf(field: Field): string {
  const group = groupOf(field);
  return group ? field.path.slice(group.length + 1) : field.path;
}

function jsonOf({ kind, bytes }: Field): string {
  const text = bytes.toString();
  return kind === 'json' ? text : JSON.stringify(text);
}

/** The value of a field as JSON, in pieces. */
export function* jsonPieces({ kind, bytes }: Field): Generator<Buffer> {
  if (kind === 'json') return yield bytes;
  const decoder = new StringDecoder();
  const quoted = (text: string) => Buffer.from(JSON.stringify(text).slice(1, -1));
  yield Buffer.from('"');
  for (let i = 0; i < bytes.length; i += PIECE_BYTES) yield quoted(decoder.write(bytes.subarray(i, i + PIECE_BYTES)));
  yield quoted(decoder.end());
  yield Buffer.from('"');
}

/** Additional bytes of each byte in a JSON string: one for `\n`, five for `\u0000`. */
const ESCAPES = Uint8Array.from({ length: 256 }, (_, byte) => JSON.stringify(String.fromCharCode(byte)).length - 3);

/** The UTF-8 bytes of a value as JSON. */
export function jsonSize({ kind, bytes }: Field): number {
  if (kind === 'json') return bytes.length;
  if (!isUtf8(bytes)) return Buffer.byteLength(JSON.stringify(bytes.toString()));
  let size = bytes.length + 2;
  for (let i = 0; i < bytes.length; i += 1) size += ESCAPES[bytes[i] as number] as number;
  return size;
}
