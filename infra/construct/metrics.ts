import { Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { DEFAULTS } from '../../functions/defaults.ts';
import { dimensionsOf, type MetricName, NAMESPACE } from '../../functions/metrics.ts';
import type { BullbridgeProps } from './bullbridge-props.ts';

/** What sums a metric up over time: counts of a run add up, states do not. */
const STATISTICS: Readonly<Record<MetricName, string>> = {
  Published: Stats.SUM,
  Filtered: Stats.SUM,
  Parked: Stats.SUM,
  Lost: Stats.SUM,
  Incidents: Stats.SUM,
  Lag: Stats.MAXIMUM,
  Backlog: Stats.MAXIMUM,
  RetentionUsed: Stats.MAXIMUM,
  SweepDuration: Stats.MAXIMUM,
  Recovered: Stats.SUM,
  Redriven: Stats.SUM,
  RedriveFailed: Stats.SUM,
  OpenGaps: Stats.MAXIMUM,
};

/** A construct whose functions measure what they do; its metrics are of one Redis and one prefix. */
export abstract class Measured extends Construct {
  readonly #dimensions: Readonly<Record<string, string>>;

  constructor(
    scope: Construct,
    id: string,
    { sourceName = DEFAULTS.sourceName, prefix = DEFAULTS.prefix }: Pick<BullbridgeProps, 'sourceName' | 'prefix'>,
  ) {
    super(scope, id);
    this.#dimensions = { ...dimensionsOf(sourceName, prefix) };
  }

  /** A metric by its name, summed up in its own way unless told otherwise. */
  metric(metricName: MetricName, options?: MetricOptions): Metric {
    return new Metric({
      namespace: NAMESPACE,
      metricName,
      dimensionsMap: this.#dimensions,
      statistic: STATISTICS[metricName],
      ...options,
    });
  }

  /** Events that the bus accepted. */
  metricPublished(options?: MetricOptions): Metric {
    return this.metric('Published', options);
  }

  /** Entries that Redis trimmed before they were read, as far as they can be counted. */
  metricLost(options?: MetricOptions): Metric {
    return this.metric('Lost', options);
  }

  /** Events that the bus refused, which are in the dead-letter queue. */
  metricParked(options?: MetricOptions): Metric {
    return this.metric('Parked', options);
  }

  /** From the newest published event's time to its publishing, in milliseconds; none where nothing was published. */
  metricLag(options?: MetricOptions): Metric {
    return this.metric('Lag', options);
  }

  /** Entries that were not read when a run ended. */
  metricBacklog(options?: MetricOptions): Metric {
    return this.metric('Backlog', options);
  }

  /** How much of its stream's capacity the backlog of the fullest queue took, in percent; at 100 Redis begins to trim what was not read. */
  metricRetentionUsed(options?: MetricOptions): Metric {
    return this.metric('RetentionUsed', options);
  }
}
