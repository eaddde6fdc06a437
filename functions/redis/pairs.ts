/** Parses a map of RESP2: a list of alternating names and values. */
export function mapOf(pairs: readonly unknown[]): Map<string, unknown> {
  const map = new Map<string, unknown>();
  for (let i = 0; i + 1 < pairs.length; i += 2) map.set(String(pairs[i]), pairs[i + 1]);
  return map;
}
