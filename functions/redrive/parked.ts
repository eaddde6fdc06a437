import * as z from 'zod/mini';
import type { DeadLetter, EarlierRefusal, Refusal } from '../bus/dead-letters.ts';
import type { BusEntry } from '../event/entry.ts';

/** A parked entry, read from its message. */
export interface Parked {
  readonly entry: BusEntry;
  /** The event's id. */
  readonly id: string | undefined;
  /** BullMQ's queue; absent where the detail does not say. */
  readonly queue: string | undefined;
  readonly letter: DeadLetter;
}

/** Earlier failures that are kept of an entry, so that they never take up its message: the newest. */
const MAX_HISTORY = 20;

const refusal = { errorCode: z.string(), errorMessage: z.string(), attempts: z.number() };
const time = z.string().check(z.refine((text) => !Number.isNaN(Date.parse(text))));
const Body = z.object({
  entry: z.object({
    // Whoever may send to the queue must not publish as somebody else.
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

/** Reads the body of a message; `undefined` for one that is no entry that bullbridge parked. */
export function readParked(body: string): Parked | undefined {
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

/** What is said of an entry that was sent again and refused again. */
export function failedAgain({ letter }: Parked, { attempts, ...newest }: Refusal, now: Date): DeadLetter {
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
