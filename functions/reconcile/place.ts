/** The two ways for a job to end; each has a sorted set and an event of that name. */
export const OUTCOMES = ['completed', 'failed'] as const;

export type Outcome = (typeof OUTCOMES)[number];

/** How far the finished jobs of a queue have been gone through: first those that completed, then those that failed. */
export interface Place {
  readonly outcome: Outcome;
  /** When the last of them finished, in milliseconds since the epoch. */
  readonly score: number;
  /** Its id: jobs that finished at the same time are in the order of its bytes. Absent before the first of them. */
  readonly member?: Buffer;
}

/** A place as a text without anything that a shell or JSON would have to escape. */
export function formatPlace({ outcome, score, member }: Place): string {
  const base = `${outcome}/${score}`;
  return member ? `${base}/${member.toString('base64url')}` : base;
}

/** `undefined` where the text is none of {@link formatPlace}'s. */
export function parsePlace(text: string): Place | undefined {
  const [, outcome, score, member] =
    /^(completed|failed)\/(-?\d+(?:\.\d+)?(?:e[+-]\d+)?)(?:\/([\w-]*))?$/.exec(text) ?? [];
  if (outcome === undefined) return undefined;
  const place = { outcome: outcome as Outcome, score: Number(score) };
  return member === undefined ? place : { ...place, member: Buffer.from(member, 'base64url') };
}
