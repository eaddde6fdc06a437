import * as z from 'zod/mini';
import { ConfigError } from '../errors.ts';

/** The dead letters to send again. */
export interface Selection {
  /** The queue of BullMQ. */
  readonly queue?: string | undefined;
  /** The reason why the entry was parked. */
  readonly errorCode?: string | undefined;
  /** Milliseconds since the epoch: only dead letters that were parked before. */
  readonly olderThan?: number | undefined;
  /** @default all */
  readonly max?: number | undefined;
  /** Whether to count them only. @default false */
  readonly dryRun?: boolean | undefined;
}

const ISO = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/;
const text = z.string().check(z.minLength(1));
const moment = z.pipe(
  z.pipe(
    z.union([z.int(), z.string().check(z.regex(ISO))]),
    z.transform((value: number | string) => new Date(value).getTime()),
  ),
  z.number(),
);
const Payload = z.strictObject({
  queue: z.optional(text),
  errorCode: z.optional(text),
  olderThan: z.optional(moment),
  max: z.optional(z.int().check(z.minimum(1))),
  dryRun: z.optional(z.boolean()),
});

/** @throws {ConfigError} also for an unknown name, because a misspelt filter would select all dead letters */
export function readPayload(event: unknown): Selection {
  const payload = Payload.safeParse(event ?? {});
  if (payload.success) return payload.data;
  const allowed =
    'nothing, or some of { "queue": "emails", "errorCode": "MalformedDetail", "olderThan": "2026-11-01T12:00:00Z" or milliseconds since ' +
    'the epoch, "max": 100, "dryRun": true }, and no others';
  throw new ConfigError([`the payload is ${JSON.stringify(event)}; it must be ${allowed}`]);
}
