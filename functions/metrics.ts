import { createHash } from 'node:crypto';

/** Where CloudWatch keeps the metrics. */
export const NAMESPACE = 'bullbridge';

/**
 * The metrics of a run, with their units.
 *
 * What each means and how it is summed up is in `infra/construct/metrics.ts`, which no bundle contains.
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

/** The dimensions of every metric: whose it is, where an account has several. */
export interface Dimensions {
  readonly service: string;
  readonly deployment: string;
  readonly source: string;
}

/** The dimensions of what a deployment reads of one Redis under one prefix. */
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
 * A text as CloudWatch takes it for the value of a dimension: ASCII without control characters, up to 1,024 of them,
 * not blank, and without a colon in front.
 *
 * Bytes that may not be there are percent-encoded, and so is the percent sign: different texts stay different. A text
 * that is too long ends with a hash of the whole; an empty one is a single percent sign.
 */
export function dimensionValue(text: string): string {
  const encoded = [...Buffer.from(text)].map((byte) => (isPlain(byte) ? String.fromCharCode(byte) : percent(byte)));
  const [first = '%', ...rest] = encoded;
  // Blank as a whole, or with a colon in front.
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
