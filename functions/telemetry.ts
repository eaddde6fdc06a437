import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { metricOf } from './event/job-metrics.ts';
import { dimensionsOf, dimensionValue, METRICS, type MetricName, NAMESPACE } from './metrics.ts';
import type { Config } from './settings.ts';

export const logger = new Logger({ serviceName: 'bullbridge' });
export const metrics = new Metrics({ namespace: NAMESPACE, serviceName: 'bullbridge' });

let defaults: Record<string, string> = {};

/** Sets the dimensions of all metrics. */
export function identify({ BULLBRIDGE_DEPLOYMENT, BULLBRIDGE_SOURCE_NAME, BULLBRIDGE_PREFIX }: Config): void {
  const { deployment, source } = dimensionsOf(BULLBRIDGE_DEPLOYMENT, BULLBRIDGE_SOURCE_NAME, BULLBRIDGE_PREFIX);
  defaults = { deployment, source };
  metrics.setDefaultDimensions(defaults);
}

/** Records a metric of the run. */
export function record(name: MetricName, value: number): void {
  metrics.addMetric(name, METRICS[name], value);
}

/** Publishes the numbers of events of a queue at once, so that they are not missing if the run is killed later. */
export function recordEvents(queue: string, counts: ReadonlyMap<string, number>): void {
  const own = new Metrics({ namespace: NAMESPACE, serviceName: 'bullbridge', defaultDimensions: defaults });
  own.addDimension('queue', dimensionValue(queue));
  for (const [event, count] of counts) own.addMetric(metricOf(event), 'Count', count);
  own.publishStoredMetrics();
}

/** Records a metric of one queue. */
export function recordOf(queue: string, name: MetricName, value: number): void {
  const single = metrics.singleMetric();
  single.addDimension('queue', dimensionValue(queue));
  single.addMetric(name, METRICS[name], value);
}
