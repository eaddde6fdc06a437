import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { dimensionsOf, dimensionValue, METRICS, type MetricName, NAMESPACE } from './metrics.ts';
import type { Config } from './settings.ts';

export const logger = new Logger({ serviceName: 'bullbridge' });
export const metrics = new Metrics({ namespace: NAMESPACE, serviceName: 'bullbridge' });

/** Says whose all metrics are. */
export function identify({ BULLBRIDGE_DEPLOYMENT, BULLBRIDGE_SOURCE_NAME, BULLBRIDGE_PREFIX }: Config): void {
  const { deployment, source } = dimensionsOf(BULLBRIDGE_DEPLOYMENT, BULLBRIDGE_SOURCE_NAME, BULLBRIDGE_PREFIX);
  metrics.setDefaultDimensions({ deployment, source });
}

/** Records a metric of the run. */
export function record(name: MetricName, value: number): void {
  metrics.addMetric(name, METRICS[name], value);
}

/** Records a metric of one queue. */
export function recordOf(queue: string, name: MetricName, value: number): void {
  const single = metrics.singleMetric();
  single.addDimension('queue', dimensionValue(queue));
  single.addMetric(name, METRICS[name], value);
}
