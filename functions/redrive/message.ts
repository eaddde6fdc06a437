import * as z from 'zod/mini';
import type { DeadLetter, EarlierRefusal, Refusal } from '../bus/dead-letters.ts';
import type { BusEntry } from '../event/bus-entry.ts';

/** A dead letter and its bus entry, read from a message. */
export interface ReceivedLetter {
  readonly entry: BusEntry;
  /** The id of the event. */
  readonly id: string | undefined;
  /** The queue of BullMQ; absent if the detail has none. */
  readonly queue: string | undefined;
  readonly letter: DeadLetter;
}

/** The newest failures that are kept of an entry; more could fill up its message. */
const MAX_HISTORY = 20;

const refusal = { errorCode: z.string(), errorMessage: z.string(), attempts: z.number() };
const time = z.string().check(z.refine((text) => !Number.isNaN(Date.parse(text))));
const Body = z.object({
  entry: z.object({
    // A sender to this queue must not be able to publish with the source of another application.
    Source: z.enum(['bullmq', 'bullbridge']),
    DetailType: z.string(),
    Time: z.optional(time),
    TraceHeader: z.optional(z.string()),
    Detail: z.string(),
  }),
  ...refusal,
  parkedAt: time,
  failedAt: z.optional(time),
  history: z.optional(z.array(z.object({ ...refusal, failedAt: z.string() }))),
});
const Detail = z.looseObject({ id: z.optional(z.unknown()), queue: z.optional(z.unknown()) });

/** Reads the body of a message; `undefined` if it is not a dead letter of bullbridge. */
export function readLetter(body: string): ReceivedLetter | undefined {
  const parsed = Body.safeParse(parse(body));
  if (!parsed.success) return undefined;
  const { entry, ...letter } = parsed.data;
  const detail = Detail.safeParse(parse(entry.Detail));
  if (!detail.success) return undefined;
  const { Time, ...texts } = entry;
  const { id, queue } = detail.data;
  return {
    entry: { ...texts, ...(Time !== undefined && { Time: new Date(Time) }) },
    id: typeof id === 'string' ? id : undefined,
    queue: typeof queue === 'string' ? queue : undefined,
    letter: letter as DeadLetter,
  };
}

/** The dead letter of an entry that was sent again and refused again. */
export function failedAgain({ letter }: ReceivedLetter, { attempts, ...newest }: Refusal, now: Date): DeadLetter {
  const { errorCode, errorMessage, parkedAt, failedAt = parkedAt, history = [] } = letter;
  const before: EarlierRefusal = { errorCode, errorMessage, attempts: letter.attempts, failedAt };
  return {
    ...newest,
    attempts: letter.attempts + attempts,
    parkedAt,
    failedAt: now.toISOString(),
    history: [...history, before].slice(-MAX_HISTORY),
  };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
