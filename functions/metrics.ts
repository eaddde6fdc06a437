import { createHash } from 'node:crypto';

/** The CloudWatch namespace of the metrics. */
export const NAMESPACE = 'bullbridge';

/**
 * The metrics of a run, with their units.
 *
 * Their meanings and statistics are in `infra/construct/metrics.ts`, which is in no bundle.
 */
export const METRICS = {
  Published: 'Count',
  Filtered: 'Count',
  Parked: 'Count',
  Lost: 'Count',
  Incidents: 'Count',
  Lag: 'Milliseconds',
  OldestAge: 'Milliseconds',
  Backlog: 'Count',
  RetentionUsed: 'Percent',
  SweepDuration: 'Milliseconds',
  Queues: 'Count',
  Missing: 'Count',
  Held: 'Count',
  Recovered: 'Count',
  OpenGaps: 'Count',
  Redriven: 'Count',
  RedriveFailed: 'Count',
} as const;

export type MetricName = keyof typeof METRICS;

/** The dimensions of every metric: they tell deployments of the same account apart. */
export interface Dimensions {
  readonly service: string;
  readonly deployment: string;
  readonly source: string;
}

/** The dimensions of a deployment that reads one Redis under one prefix. */
export function dimensionsOf(deployment: string, sourceName: string, prefix: string): Dimensions {
  return {
    service: 'bullbridge',
    deployment: dimensionValue(deployment),
    source: dimensionValue(`${sourceName}/${prefix}`),
  };
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html */
const MAX_LENGTH = 1024;

/**
 * Encodes a text as the value of a dimension. CloudWatch allows up to 1,024 ASCII characters, without control
 * characters; the value must not be blank and must not begin with a colon.
 *
 * Other bytes and the percent sign are percent-encoded, so that different texts stay different. A text that is too long
 * ends with a hash of the whole text; an empty text becomes a single percent sign.
 */
export function dimensionValue(text: string): string {
  const encoded = [...Buffer.from(text)].map((byte) => (isPlain(byte) ? String.fromCharCode(byte) : percent(byte)));
  const [first = '%', ...rest] = encoded;
  // A blank value, or a colon at the beginning.
  const isFirstPlain = first !== ':' && encoded.some((character) => character !== ' ');
  const value = [isFirstPlain || first === '%' ? first : percent(first.charCodeAt(0)), ...rest].join('');
  if (value.length <= MAX_LENGTH) return value;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  return `${value.slice(0, MAX_LENGTH - hash.length - 1)}%${hash}`;
}

function isPlain(byte: number): boolean {
  return byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
}

function percent(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}
