import * as z from 'zod';
import { type BullmqEventName, CATALOGUE } from '../functions/event/catalogue.ts';
import { eventSchema, lossSchema, recoverySchema } from './zod.ts';

/** A JSON Schema of draft 04. */
export type JsonSchema = z.core.JSONSchema.BaseSchema;

/**
 * The schemas of all events in the format of EventBridge's schema registry (`JSONSchemaDraft4`), by name.
 *
 * The names are those that the registry gives to schemas it discovers: the source, `@`, and the detail-type without
 * spaces.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-schema.html
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
  return [`${source}@${detailType.replaceAll(' ', '')}`, { title: detailType, ...names, ...json }] as const;
}
