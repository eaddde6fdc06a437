import type { Template } from 'aws-cdk-lib/assertions';
import { metricsOf } from '../../embedded-metrics.ts';

/** A metric as CloudWatch knows it: another set of dimensions is another metric. */
export interface MetricId {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

/** The metrics that the alarms of a template watch. */
export function alarmMetrics(template: Template): MetricId[] {
  return Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(({ Properties }) => ({
    namespace: Properties['Namespace'],
    name: Properties['MetricName'],
    dimensions: Object.fromEntries(
      (Properties['Dimensions'] as { Name: string; Value: unknown }[]).map(({ Name, Value }) => [Name, textOf(Value)]),
    ),
  }));
}

/** The metrics that the dashboard of a template shows. */
export function dashboardMetrics(template: Template): MetricId[] {
  return Object.values(template.findResources('AWS::CloudWatch::Dashboard')).flatMap(({ Properties }) => {
    const { widgets } = JSON.parse(textOf(Properties['DashboardBody'])) as {
      widgets: { properties: { metrics?: unknown[][] } }[];
    };
    const rows = widgets.flatMap(({ properties }) => properties.metrics ?? []);
    return rows.flatMap((row) => {
      const [namespace, name, ...pairs] = row.filter((part) => typeof part === 'string');
      if (namespace === undefined || name === undefined) return [];
      const dimensions = Object.fromEntries(pairs.flatMap((key, i) => (i % 2 === 0 ? [[key, `${pairs[i + 1]}`]] : [])));
      return { namespace, name, dimensions };
    });
  });
}

/** The metrics in what a function printed, in the embedded metric format. */
export function emittedMetrics(log: readonly string[]): MetricId[] {
  return metricsOf(log).flatMap(({ _aws: directives, ...values }) => {
    const { CloudWatchMetrics } = directives as { CloudWatchMetrics: Directive[] };
    return CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
      Dimensions.flatMap((keys) =>
        Metrics.map(({ Name }) => ({
          namespace: Namespace,
          name: Name,
          dimensions: Object.fromEntries(keys.map((key) => [key, values[key] as string])),
        })),
      ),
    );
  });
}

interface Directive {
  readonly Namespace: string;
  readonly Dimensions: string[][];
  readonly Metrics: { readonly Name: string }[];
}

/** A text of a template; what is known only when it is deployed is a name in brackets. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const { Ref, 'Fn::GetAtt': attribute, 'Fn::Join': join } = value as Record<string, unknown>;
  if (Array.isArray(join)) return (join[1] as unknown[]).map(textOf).join(join[0]);
  return `<${Array.isArray(attribute) ? attribute.join('.') : Ref}>`;
}
