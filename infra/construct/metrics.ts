import { Stack } from 'aws-cdk-lib';
import { Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { DEFAULTS } from '../../functions/defaults.ts';
import { dimensionsOf, type MetricName, NAMESPACE } from '../../functions/metrics.ts';
import type { BullbridgeProps } from './bullbridge-props.ts';

interface MetricFacts {
  /** What sums it up over time: counts of a run add up, states do not. */
  readonly statistic: string;
  readonly about: string;
}

/**
 * What each metric means; alarms, the dashboard and the table of the documentation are made from this and from {@link
 * METRICS}.
 */
export const METRIC_FACTS: Readonly<Record<MetricName, MetricFacts>> = {
  Published: { statistic: Stats.SUM, about: 'Events that the bus accepted.' },
  Filtered: { statistic: Stats.SUM, about: 'Entries of events that are not forwarded.' },
  Parked: { statistic: Stats.SUM, about: 'Events that the bus refused, which are in the dead-letter queue.' },
  Lost: { statistic: Stats.SUM, about: 'Entries that were gone before they were read, as far as they can be counted.' },
  Incidents: { statistic: Stats.SUM, about: 'Losses, also those of which the number of entries is not known.' },
  Lag: {
    statistic: Stats.MAXIMUM,
    about: 'From the time of the newest published event to the saving of its position.',
  },
  OldestAge: {
    statistic: Stats.MAXIMUM,
    about: 'From the time of the oldest event that a run published to the saving of its position, in whichever queue.',
  },
  Backlog: { statistic: Stats.MAXIMUM, about: 'Entries that were not read when a run ended.' },
  RetentionUsed: {
    statistic: Stats.MAXIMUM,
    about:
      'How much of what its stream keeps the backlog of the fullest queue took; at 100, Redis begins to trim what was not read.',
  },
  SweepDuration: {
    statistic: Stats.MAXIMUM,
    about: 'From the reading of a sweep until all of it is settled; its positions are saved after that.',
  },
  Queues: { statistic: Stats.MAXIMUM, about: 'Queues that a run forwarded; with shards, of the largest one.' },
  Missing: { statistic: Stats.MAXIMUM, about: 'Named queues that have neither a stream nor settings.' },
  Held: {
    statistic: Stats.MAXIMUM,
    about:
      'Runs in a row that did nothing, since another run had the lease or took it; counted by each container for itself.',
  },
  Recovered: { statistic: Stats.SUM, about: 'Lost events that were published from the state of their jobs.' },
  OpenGaps: { statistic: Stats.MAXIMUM, about: 'Gaps that were not recovered when a run ended.' },
  Redriven: { statistic: Stats.SUM, about: 'Parked events that the bus accepted when they were sent again.' },
  RedriveFailed: { statistic: Stats.SUM, about: 'Parked events that the bus refused again.' },
};

/** A construct whose functions measure what they do; its metrics are of this deployment, one Redis and one prefix. */
export abstract class Measured extends Construct {
  /** Names this deployment in its metrics: the stack and the path of the construct. */
  protected readonly deployment: string;
  protected readonly dimensions: Readonly<Record<string, string>>;

  constructor(
    scope: Construct,
    id: string,
    { sourceName = DEFAULTS.sourceName, prefix = DEFAULTS.prefix }: Pick<BullbridgeProps, 'sourceName' | 'prefix'>,
  ) {
    super(scope, id);
    const stack = Stack.of(this);
    this.deployment = [
      stack.stackName,
      ...this.node.path.slice(stack.node.path.length).split('/').filter(Boolean),
    ].join('/');
    this.dimensions = { ...dimensionsOf(this.deployment, sourceName, prefix) };
  }

  /** A metric by its name, summed up in its own way unless told otherwise. */
  metric(metricName: MetricName, options?: MetricOptions): Metric {
    return new Metric({
      namespace: NAMESPACE,
      metricName,
      dimensionsMap: this.dimensions,
      statistic: METRIC_FACTS[metricName].statistic,
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

  /**
   * How much of its stream's capacity the backlog of the fullest queue took, in percent; at 100 Redis begins to trim
   * what was not read.
   */
  metricRetentionUsed(options?: MetricOptions): Metric {
    return this.metric('RetentionUsed', options);
  }
}
