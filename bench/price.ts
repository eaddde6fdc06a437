/** Dollars of a GB-second on arm64 in us-east-1: https://aws.amazon.com/lambda/pricing/ */
const GB_SECOND = 0.0000133334;
/** MB at which a function has one vCPU; its share is proportional: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
export const MB_OF_ONE_VCPU = 1769;
/** What the construct gives the functions. */
const MEMORY_MB = 256;

/**
 * What CPU seconds cost in Lambda at 256 MB, where a function has 0.145 of a vCPU: a run that is busy all the time lasts 6.9
 * times as long as its CPU seconds.
 *
 * Assumes that a vCPU of Lambda does as much as a core of this machine, and that the run waits for nothing.
 */
export function lambdaDollars(cpuSeconds: number): number {
  const duration = cpuSeconds * (MB_OF_ONE_VCPU / MEMORY_MB);
  return duration * (MEMORY_MB / 1024) * GB_SECOND;
}

/** Dollars of a million read units, and of a million write units, of a table on demand in us-east-1: https://aws.amazon.com/dynamodb/pricing/on-demand/ */
export const MILLION_READS = 0.125;
export const MILLION_WRITES = 0.625;
