/** The two outcomes of a job; a sorted set and an event have the name of each. */
export const OUTCOMES = ['completed', 'failed'] as const;

export type Outcome = (typeof OUTCOMES)[number];

/** A place in the finished jobs of a queue; completed jobs come first, then failed jobs. */
export interface Place {
  readonly outcome: Outcome;
  /** When the job at this place finished, in milliseconds since the epoch. */
  readonly score: number;
  /** The id of that job; Redis orders jobs of the same time by the bytes of their ids. Absent before the first job. */
  readonly member?: Buffer;
}

/** A place as a text without characters that a shell or JSON would have to escape. */
export function formatPlace({ outcome, score, member }: Place): string {
  const base = `${outcome}/${score}`;
  return member ? `${base}/${member.toString('base64url')}` : base;
}

/** Parses a text of {@link formatPlace}; `undefined` for any other text. */
export function parsePlace(text: string): Place | undefined {
  const [, outcome, score, member] =
    /^(completed|failed)\/(-?\d+(?:\.\d+)?(?:e[+-]\d+)?)(?:\/([\w-]*))?$/.exec(text) ?? [];
  if (outcome === undefined) return undefined;
  const place = { outcome: outcome as Outcome, score: Number(score) };
  return member === undefined ? place : { ...place, member: Buffer.from(member, 'base64url') };
}
