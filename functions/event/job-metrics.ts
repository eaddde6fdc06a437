import { CATALOGUE, detailTypeOf } from './catalogue.ts';

/** The events that can be counted, for messages. */
export const COUNTABLE = Object.keys(CATALOGUE).join(', ');

/** Parses a comma-separated list of BullMQ's events; `undefined` if it has another name. */
export function parseJobMetrics(list: string): ReadonlySet<string> | undefined {
  const names = list.split(',').map((name) => name.trim());
  return names.every((name) => Object.hasOwn(CATALOGUE, name)) ? new Set(names) : undefined;
}

/** The metric of an event: `JobCompleted` counts `completed`. */
export function metricOf(event: string): string {
  return detailTypeOf(event).replaceAll(' ', '');
}
