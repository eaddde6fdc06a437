import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';

export const logger = new Logger({ serviceName: 'bullbridge' });
export const metrics = new Metrics({ namespace: 'bullbridge', serviceName: 'bullbridge' });

/** The metrics of a run, with their units; their names are what alarms and dashboards use. */
const METRICS = {
  Published: MetricUnit.Count,
  Filtered: MetricUnit.Count,
  Parked: MetricUnit.Count,
  Lost: MetricUnit.Count,
  /** Holes that were found in streams: also those of which it is not known how many entries they took. */
  Incidents: MetricUnit.Count,
  /** From the newest published entry's time to now. */
  Lag: MetricUnit.Milliseconds,
  /** Entries not yet read when the run ended. */
  Backlog: MetricUnit.Count,
  /** From the reading of a sweep to the saving of its positions. */
  SweepDuration: MetricUnit.Milliseconds,
  /** Lost events that were told from the state of their jobs. */
  Recovered: MetricUnit.Count,
  /** Parked events that the bus accepted when they were sent again. */
  Redriven: MetricUnit.Count,
  /** Parked events that it refused again. */
  RedriveFailed: MetricUnit.Count,
  /** Gaps not yet recovered when the run ended. */
  OpenGaps: MetricUnit.Count,
} as const;

export type MetricName = keyof typeof METRICS;

/** Records a metric of the run. */
export function record(name: MetricName, value: number): void {
  metrics.addMetric(name, METRICS[name], value);
}

/** Records a metric of one queue. */
export function recordOf(queue: string, name: MetricName, value: number): void {
  const single = metrics.singleMetric();
  single.addDimension('queue', queue);
  single.addMetric(name, METRICS[name], value);
}
