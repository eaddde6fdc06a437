import type { EventEnvelope } from '../functions/event/detail.ts';

/** The events that a subscriber has received; `detail.id` identifies duplicates. */
export interface Arrivals {
  add(detail: EventEnvelope, at: number): void;
  readonly distinct: number;
  readonly duplicates: number;
  /** Milliseconds from the event to its first arrival, at a quantile between 0 and 1. */
  latency(quantile: number): number | undefined;
}

export function createArrivals(): Arrivals {
  const first = new Map<string, number>();
  let total = 0;
  return {
    add(detail, at) {
      total += 1;
      if (!first.has(detail.id)) first.set(detail.id, at - detail.timestamp);
    },
    get distinct() {
      return first.size;
    },
    get duplicates() {
      return total - first.size;
    },
    latency(quantile) {
      const sorted = [...first.values()].sort((a, b) => a - b);
      return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))];
    },
  };
}
