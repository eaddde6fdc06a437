import * as z from 'zod';
import { type BullmqEventName, CATALOGUE, type FieldType } from '../functions/event/catalogue.ts';
import type { JsonValue } from '../functions/event/detail.ts';
import { VERSION } from './details.ts';

/** Any JSON value; EventBridge has already parsed it. */
const json = z.custom<JsonValue>((value) => value !== undefined);

const job = z.object({
  name: z.string().optional(),
  attemptsMade: z.number().optional(),
  attemptsStarted: z.number().optional(),
  timestamp: z.number().optional(),
  processedOn: z.number().optional(),
  finishedOn: z.number().optional(),
  delay: z.number().optional(),
  priority: z.number().optional(),
  parent: z.object({ id: z.string().optional(), queueKey: z.string().optional() }).optional(),
  opts: z.record(z.string(), json).optional(),
  data: json.optional(),
  omitted: z.array(z.string()).optional(),
});

const claimCheck = z.object({
  bucket: z.string(),
  key: z.string(),
  fields: z.array(z.string()),
  bytes: z.number(),
});

const origin = { id: z.string(), sourceName: z.string(), prefix: z.string(), queue: z.string() };

const envelope = {
  version: z.literal(VERSION),
  ...origin,
  streamId: z.string().optional(),
  sequence: z.number().optional(),
  timestamp: z.number(),
  recovered: z.literal(true).optional(),
  possibleDuplicate: z.literal(true).optional(),
  jobId: z.string().optional(),
  fields: z.record(z.string(), z.string()).optional(),
  repeated: z.record(z.string(), z.array(z.string())).optional(),
  unparsed: z.array(z.string()).optional(),
  job: job.nullable().optional(),
  omitted: z.array(z.string()).optional(),
  truncated: z.array(z.object({ field: z.string(), bytes: z.number() })).optional(),
  claimCheck: claimCheck.optional(),
};

/** A malformed number is forwarded as text. */
const FIELDS = { text: z.string(), number: z.union([z.number(), z.string()]), json } as const;

type Fields<Name extends BullmqEventName> = (typeof CATALOGUE)[Name]['fields'];

/** Your own schemas for fields of an event, and for its `job`. */
export type OwnSchemas<Name extends BullmqEventName> = Partial<Record<keyof Fields<Name> | 'job', z.ZodType>>;

type FieldShape<Name extends BullmqEventName, Own> = {
  [Field in keyof Fields<Name>]: z.ZodOptional<
    Field extends keyof Own ? Extract<Own[Field], z.ZodType> : (typeof FIELDS)[Extract<Fields<Name>[Field], FieldType>]
  >;
};

type JobShape<Own> = Own extends { job: infer Schema extends z.ZodType }
  ? { job: Schema }
  : Pick<typeof envelope, 'job'>;

export type DetailSchema<Name extends BullmqEventName, Own = unknown> = z.ZodObject<
  Omit<typeof envelope, 'job'> & JobShape<Own> & { event: z.ZodLiteral<Name> } & FieldShape<Name, Own>
>;

/**
 * The schema of the detail of an event:
 * `detailSchema('completed', { returnvalue: z.object({ invoice: z.string() }) })`.
 *
 * All fields are optional, because a claim check can replace them. Unknown keys are removed, because a later release
 * may add some.
 *
 * @param own schemas for the fields of the event, and for `job`
 */
export function detailSchema<Name extends BullmqEventName, const Own extends OwnSchemas<Name>>(
  event: Name,
  own?: Own,
): DetailSchema<Name, Own> {
  const schemas: Readonly<Record<string, z.ZodType>> = { ...own };
  const fields = Object.entries<FieldType>(CATALOGUE[event].fields).map(([field, type]) => [
    field,
    (schemas[field] ?? FIELDS[type]).optional(),
  ]);
  const shape = { ...envelope, event: z.literal(event), ...Object.fromEntries(fields) };
  return z.object(own?.job ? { ...shape, job: own.job } : shape) as unknown as DetailSchema<Name, Own>;
}

/** The schema of an event of EventBridge with this detail. */
function onBus<Source extends string, DetailType extends z.ZodType, Detail extends z.ZodType>(
  source: Source,
  detailType: DetailType,
  detail: Detail,
) {
  return z.object({
    version: z.string(),
    id: z.string(),
    'detail-type': detailType,
    source: z.literal(source),
    account: z.string(),
    time: z.string(),
    region: z.string(),
    resources: z.array(z.string()),
    detail,
  });
}

/**
 * The schema of an event as EventBridge sends it: `eventSchema('failed')`.
 *
 * @param own schemas for the fields of the event, and for `job`
 */
export function eventSchema<Name extends BullmqEventName, const Own extends OwnSchemas<Name>>(event: Name, own?: Own) {
  return onBus('bullmq', z.literal(CATALOGUE[event].detailType), detailSchema(event, own));
}

/** The schema of the detail of any event that BullMQ defines, by its `event`. */
export const bullmqDetailSchema = z.discriminatedUnion(
  'event',
  (Object.keys(CATALOGUE) as BullmqEventName[]).map((event) => detailSchema(event)) as unknown as [
    { [Name in BullmqEventName]: DetailSchema<Name> }[BullmqEventName],
  ],
);

/** The schema of the detail of a custom event, or of an entry without an event. */
export const customDetailSchema = z.object({
  ...envelope,
  event: z
    .string()
    .refine((event) => !Object.hasOwn(CATALOGUE, event), { error: 'is an event of BullMQ' })
    .optional(),
});

/** The schema of the detail of any event. */
export const anyDetailSchema = z.union([bullmqDetailSchema, customDetailSchema]);

/** The schema of any event of the source `bullmq`. */
export const anyEventSchema = onBus('bullmq', z.string(), anyDetailSchema);

const gap = { ...origin, afterId: z.string(), beforeId: z.string().nullable(), lost: z.number() };

/** The schema of `Events Lost`. */
export const lossSchema = onBus(
  'bullbridge',
  z.literal('Events Lost'),
  z.object({
    ...gap,
    exact: z.boolean(),
    reason: z.enum(['trimmed', 'reset', 'rolled-back', 'unknown']),
    detectedAt: z.string(),
  }),
);

/** The schema of `Events Recovered`. */
export const recoverySchema = onBus(
  'bullbridge',
  z.literal('Events Recovered'),
  z.object({ ...gap, completed: z.number(), failed: z.number(), unknown: z.number() }),
);
