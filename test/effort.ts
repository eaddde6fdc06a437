/**
 * How often a test repeats what it tries at random: `full` where `CI` is set, `short` elsewhere.
 *
 * Only the number of repetitions and the size of a load depend on it; each kind of case runs everywhere.
 */
export function repetitions(full: number, short: number): number {
  return process.env['CI'] ? full : short;
}
