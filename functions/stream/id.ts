/** An id below the ids of all entries. */
export const ZERO_ID = '0-0';

/** The first half of a stream id: milliseconds since the epoch by the clock of Redis when the entry was added. */
export function idTime(id: string): number {
  return Number(id.slice(0, id.indexOf('-')));
}

/**
 * Compares two stream ids as Redis does.
 *
 * Both halves are unsigned 64-bit numbers without leading zeros. The longer half is larger, and halves of the same
 * length compare as text. As plain text, `…-10` would come before `…-9`; as numbers, they would lose precision.
 * @returns below 0, 0 or above 0, as for `Array.prototype.sort`
 */
export function compareIds(a: string, b: string): number {
  const [aMs = '', aSeq = ''] = a.split('-');
  const [bMs = '', bSeq = ''] = b.split('-');
  return compareDigits(aMs, bMs) || compareDigits(aSeq, bSeq);
}

function compareDigits(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

const MAX_PART = 2n ** 64n - 1n;

/** The greatest id below another one; {@link ZERO_ID} for itself. */
export function idBefore(id: string): string {
  const [ms = 0n, sequence = 0n] = id.split('-').map(BigInt);
  if (sequence > 0n) return `${ms}-${sequence - 1n}`;
  return ms > 0n ? `${ms - 1n}-${MAX_PART}` : ZERO_ID;
}
