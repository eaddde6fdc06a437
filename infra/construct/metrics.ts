import { Stack } from 'aws-cdk-lib';
import { Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { DEFAULTS } from '../../functions/defaults.ts';
import { dimensionsOf, type MetricName, NAMESPACE } from '../../functions/metrics.ts';
import type { BullbridgeProps } from './bullbridge-props.ts';

interface MetricFacts {
  /** The statistic over time: counts of runs add up, states do not. */
  readonly statistic: string;
  readonly about: string;
}

/**
 * The meaning of each metric; alarms, the dashboard and the table of the documentation come from this and from
 * {@link METRICS}.
 */
export const METRIC_FACTS: Readonly<Record<MetricName, MetricFacts>> = {
  Published: { statistic: Stats.SUM, about: 'Events that the bus accepted.' },
  Filtered: { statistic: Stats.SUM, about: 'Stream entries with events that are not forwarded.' },
  Parked: { statistic: Stats.SUM, about: 'Events that the bus refused; they are in the dead-letter queue.' },
  Lost: {
    statistic: Stats.SUM,
    about: 'Stream entries that were gone before they were read, as far as they can be counted.',
  },
  Incidents: { statistic: Stats.SUM, about: 'Losses, including losses of an unknown number of stream entries.' },
  Lag: {
    statistic: Stats.MAXIMUM,
    about: 'Time from the newest published event until its position is saved.',
  },
  OldestAge: {
    statistic: Stats.MAXIMUM,
    about: 'Time from the oldest event that a run published, in any queue, until its position is saved.',
  },
  Backlog: { statistic: Stats.MAXIMUM, about: 'Stream entries that were not read when a run ended.' },
  RetentionUsed: {
    statistic: Stats.MAXIMUM,
    about:
      'Backlog of the fullest queue, in percent of the entries that its stream keeps; at 100, Redis begins to trim entries that were not read.',
  },
  SweepDuration: {
    statistic: Stats.MAXIMUM,
    about: 'Time from reading a sweep until all of its entries are settled; its positions are saved after that.',
  },
  Queues: {
    statistic: Stats.MAXIMUM,
    about: 'Queues that a run forwarded; with shards, the queues of the largest shard.',
  },
  Missing: { statistic: Stats.MAXIMUM, about: 'Named queues that have neither a stream nor settings.' },
  Held: {
    statistic: Stats.MAXIMUM,
    about:
      'Runs in a row that did nothing, because another run had the lease or took it; each container counts for itself.',
  },
  Recovered: { statistic: Stats.SUM, about: 'Lost events that were recovered from the state of their jobs.' },
  OpenGaps: { statistic: Stats.MAXIMUM, about: 'Gaps that were not recovered when a run ended.' },
  Redriven: { statistic: Stats.SUM, about: 'Dead letters that the bus accepted when they were sent again.' },
  RedriveFailed: { statistic: Stats.SUM, about: 'Dead letters that the bus refused again.' },
};

/** A construct with metrics; they belong to this deployment, one Redis and one prefix. */
export abstract class Measured extends Construct {
  /** The name of this deployment in metrics: the stack and the path of the construct. */
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

  /** A metric by its name, with its own statistic unless the options have another one. */
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

  /** Stream entries that were gone before they were read, as far as they can be counted. */
  metricLost(options?: MetricOptions): Metric {
    return this.metric('Lost', options);
  }

  /** Events that the bus refused; they are in the dead-letter queue. */
  metricParked(options?: MetricOptions): Metric {
    return this.metric('Parked', options);
  }

  /**
   * Time from the newest published event until its position is saved, in milliseconds; no data while no event is
   * published.
   */
  metricLag(options?: MetricOptions): Metric {
    return this.metric('Lag', options);
  }

  /** Stream entries that were not read when a run ended. */
  metricBacklog(options?: MetricOptions): Metric {
    return this.metric('Backlog', options);
  }

  /**
   * Backlog of the fullest queue, in percent of the entries that its stream keeps; at 100, Redis begins to trim entries
   * that were not read.
   */
  metricRetentionUsed(options?: MetricOptions): Metric {
    return this.metric('RetentionUsed', options);
  }
}
