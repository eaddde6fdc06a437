import * as z from 'zod/mini';
import { ConfigError } from '../errors.ts';
import { type Place, parsePlace } from './place.ts';

/** A queue and a time range: the last events of jobs that finished then are published, whatever the stream has. */
export interface RangeRequest {
  readonly queue: string;
  /** Milliseconds since the epoch, inclusive. */
  readonly since: number;
  /** Milliseconds since the epoch, inclusive. */
  readonly until: number;
  /** Where an earlier run of the same request stopped. */
  readonly start?: Place | undefined;
}

/** Milliseconds since the epoch, or an ISO text; UTC unless the text has a time zone. */
const time = z.pipe(
  z.pipe(
    z.union([z.int(), z.string().check(z.regex(/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/))]),
    z.transform((given: number | string) => (typeof given === 'number' ? given : Date.parse(utc(given)))),
  ),
  z.number(),
);
const place = z.pipe(
  z.pipe(z.string(), z.transform(parsePlace)),
  z.custom<Place | undefined>((value) => value !== undefined),
);

const FIELDS = {
  queue: { schema: z.string().check(z.regex(/^[^:]+$/)), allowed: 'the name of a queue (without colons)' },
  since: { schema: time, allowed: 'an ISO date and time, or milliseconds since the epoch' },
  until: { schema: time, allowed: 'an ISO date and time, or milliseconds since the epoch' },
  cursor: {
    schema: z.optional(place),
    allowed: 'the cursor that an earlier run with the same queue and times returned, or absent',
  },
} as const;

/**
 * Reads the payload of an invocation: `undefined` stands for all open gaps.
 *
 * @throws {ConfigError} that lists all faults: the given value and the allowed values
 */
export function toRequest(payload: unknown): RangeRequest | undefined {
  const given = payload ?? {};
  const forms = 'nothing, or { "queue": "emails", "since": "2026-11-01T12:00:00Z", "until": "2026-11-01T13:00:00Z" }';
  if (typeof given !== 'object' || Array.isArray(given)) {
    throw new ConfigError([`the payload is ${JSON.stringify(given)}; it must be ${forms}`]);
  }
  if (Object.keys(given).length === 0) return undefined;
  const faults = Object.keys(given)
    .filter((name) => !Object.hasOwn(FIELDS, name))
    .map((name) => `the payload has ${JSON.stringify(name)}, which is not known; it must be ${forms}`);
  const values: Record<string, unknown> = {};
  for (const [name, { schema, allowed }] of Object.entries(FIELDS)) {
    const value = (given as Record<string, unknown>)[name];
    const parsed = schema.safeParse(value);
    if (parsed.success) values[name] = parsed.data;
    else
      faults.push(
        `${name} in the payload is ${value === undefined ? 'not set' : JSON.stringify(value)}; it must be ${allowed}`,
      );
  }
  const { queue, since, until, cursor } = values as { queue: string; since: number; until: number; cursor?: Place };
  if (since > until) faults.push(`since in the payload is later than until; it must be before it, or the same`);
  if (cursor && (cursor.score < since || cursor.score > until)) {
    faults.push(`cursor in the payload belongs to other times; it must be ${FIELDS.cursor.allowed}`);
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return { queue, since, until, start: cursor };
}

/** Adds `Z`: `Date.parse` takes a date alone as UTC, but a date with a time as local time. */
function utc(text: string): string {
  return /T[^Z+-]*$/.test(text) ? `${text}Z` : text;
}
