/** The lines of a log that are in CloudWatch's embedded metric format, parsed. */
export function metricsOf(log: readonly string[]): Record<string, unknown>[] {
  return log.flatMap((line) => (line.startsWith('{"_aws"') ? [JSON.parse(line)] : []));
}
