import type { JsonSchema } from '../../consumer/json-schemas.ts';

type Schemas = Readonly<Record<string, JsonSchema>>;

/**
 * The changes that break a consumer of the released schemas: fields that are gone, and new types or values of known
 * fields.
 */
export function breakingChanges(released: Schemas, current: Schemas): string[] {
  return compareProperties('', released, current);
}

function compareProperties(path: string, released: Schemas, current: Schemas): string[] {
  return Object.entries(released).flatMap(([name, schema]) => {
    const inner = path === '' ? name : `${path}.${name}`;
    const now = current[name];
    return now ? compare(inner, schema, now) : [`${inner} is gone`];
  });
}

function compare(path: string, released: JsonSchema, current: JsonSchema): string[] {
  const missing = (released.required ?? []).filter((name) => !current.required?.includes(name));
  return [
    ...missing.map((name) => `${path}.${name} can be missing`),
    ...compareValues(path, typesOf(released), typesOf(current)),
    ...compareValues(path, released.enum, current.enum),
    ...compareProperties(path, (released.properties ?? {}) as Schemas, (current.properties ?? {}) as Schemas),
    ...compareInner(`${path}[]`, released.items, current.items),
    ...compareInner(`${path}.*`, released.additionalProperties, current.additionalProperties),
    ...compareProperties(
      `${path}|`,
      { ...released.anyOf } as unknown as Schemas,
      { ...current.anyOf } as unknown as Schemas,
    ),
  ];
}

function compareInner(path: string, released: unknown, current: unknown): string[] {
  if (typeof released !== 'object' || released === null) return [];
  return typeof current === 'object' && current !== null
    ? compare(path, released as JsonSchema, current as JsonSchema)
    : [`${path} can be anything`];
}

function typesOf({ type }: JsonSchema): readonly unknown[] | undefined {
  return type === undefined ? undefined : [type].flat();
}

/** Values that were not released; without a list, any value is allowed. */
function compareValues(path: string, released?: readonly unknown[], current?: readonly unknown[]): string[] {
  if (released === undefined) return [];
  if (current === undefined) return [`${path} can be anything`];
  return current.filter((value) => !released.includes(value)).map((value) => `${path} can be ${JSON.stringify(value)}`);
}
