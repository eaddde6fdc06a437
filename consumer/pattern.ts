type Names = string | readonly string[];

/** The events that a rule matches; an option that is left out matches any value. */
export interface PatternOptions {
  /** Names of queues; `*` for all. */
  readonly queue?: Names;
  /** BullMQ's names of events, such as `failed`. */
  readonly event?: Names;
  /**
   * Values of `detail.job`, which has the `jobFields` of the forwarder, such as
   * `{ name: 'invoice', data: { country: ['DE', { prefix: 'A' }] } }`.
   */
  readonly job?: Readonly<Record<string, unknown>>;
  readonly prefix?: Names;
  readonly sourceName?: Names;
}

export interface EventPattern {
  source: string[];
  detail?: Record<string, unknown>;
}

/**
 * The event pattern of a rule, for the CDK as well as for PutRule: events of BullMQ and, unless `event` or `job` is
 * given, `Events Lost` and `Events Recovered` of bullbridge.
 */
export function pattern({ queue, ...others }: PatternOptions = {}): EventPattern {
  const fields = { queue: queue === '*' ? undefined : queue, ...others };
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return {
    source: others.event || others.job ? ['bullmq'] : ['bullmq', 'bullbridge'],
    ...(given.length > 0 && { detail: Object.fromEntries(given.map(([name, value]) => [name, inLists(value)])) }),
  };
}

/** EventBridge requires lists of values; an object stands for fields within a field. */
function inLists(value: unknown): unknown {
  if (Array.isArray(value)) return value;
  if (typeof value !== 'object' || value === null) return [value];
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, inLists(inner)]));
}
