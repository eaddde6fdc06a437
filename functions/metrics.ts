/** Where CloudWatch keeps the metrics. */
export const NAMESPACE = 'bullbridge';

/** The metrics of a run, with their units; their names are what alarms and dashboards use. */
export const METRICS = {
  Published: 'Count',
  Filtered: 'Count',
  Parked: 'Count',
  Lost: 'Count',
  /** Holes that were found in streams: also those of which it is not known how many entries they took. */
  Incidents: 'Count',
  /** From the newest published entry's time to now. */
  Lag: 'Milliseconds',
  /** Entries not yet read when the run ended. */
  Backlog: 'Count',
  /** How much of its stream's capacity the backlog of a queue takes, of the fullest one: over 100, entries are lost. */
  RetentionUsed: 'Percent',
  /** From the reading of a sweep to the saving of its positions. */
  SweepDuration: 'Milliseconds',
  /** Lost events that were told from the state of their jobs. */
  Recovered: 'Count',
  /** Parked events that the bus accepted when they were sent again. */
  Redriven: 'Count',
  /** Parked events that it refused again. */
  RedriveFailed: 'Count',
  /** Gaps not yet recovered when the run ended. */
  OpenGaps: 'Count',
} as const;

export type MetricName = keyof typeof METRICS;

/** The dimensions of every metric: whose it is, where an account has several. */
export interface Dimensions {
  readonly service: string;
  readonly source: string;
}

/** The dimensions of what is read of one Redis under one prefix; CloudWatch refuses what is not ASCII. */
export function dimensionsOf(sourceName: string, prefix: string): Dimensions {
  return { service: 'bullbridge', source: `${sourceName}/${prefix}`.replace(/[^ -~]/g, '?') };
}
