import * as z from 'zod';
import { type BullmqEventName, CATALOGUE, schemaNameOf } from '../functions/event/catalogue.ts';
import { eventSchema, lossSchema, recoverySchema } from './zod.ts';

/** A JSON Schema of draft 04. */
export type JsonSchema = z.core.JSONSchema.BaseSchema;

/**
 * The schemas of all events in the format of EventBridge's schema registry (`JSONSchemaDraft4`), by name.
 *
 * The names are those of {@link schemaNameOf}.
 */
export function jsonSchemas(): Readonly<Record<string, JsonSchema>> {
  const events = Object.keys(CATALOGUE).map((event) => eventSchema(event as BullmqEventName));
  return Object.fromEntries([...events, lossSchema, recoverySchema].map(toJsonSchema));
}

function toJsonSchema(schema: ReturnType<typeof eventSchema> | typeof lossSchema | typeof recoverySchema) {
  const [source] = schema.shape.source.values;
  const [detailType = ''] = schema.shape['detail-type'].values;
  const json = z.toJSONSchema(schema, { target: 'draft-04', io: 'input', unrepresentable: 'any' });
  const names = { 'x-amazon-events-source': source, 'x-amazon-events-detail-type': detailType };
  return [schemaNameOf(source, detailType), { title: detailType, ...names, ...json }] as const;
}
