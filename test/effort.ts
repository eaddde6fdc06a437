/**
 * The number of repetitions of a random test: `full` if `CI` is set, otherwise `short`.
 *
 * Only repetitions, the size of a load, and the number of planted bugs depend on it: each kind of case runs everywhere.
 */
export function repetitions(full: number, short: number): number {
  return process.env['CI'] ? full : short;
}
