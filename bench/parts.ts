import type { Part } from './bench.ts';

interface Described {
  /** Loaded when it is its turn: what the parts need takes a second. */
  readonly load: () => Promise<Part>;
  /** What it measures, in words. */
  readonly about: string;
  /** How long it takes on 2 cores. */
  readonly minutes: number;
}

/** In the order of the table. */
export const PARTS: Readonly<Record<string, Described>> = {
  backlog: {
    load: async () => (await import('./backlog.ts')).backlog,
    about: 'how fast a backlog is published, compared with the SDK and QueueEvents',
    minutes: 11,
  },
  memory: {
    load: async () => (await import('./memory.ts')).memory,
    about: 'the most memory that a run takes',
    minutes: 10,
  },
  latency: {
    load: async () => (await import('./latency.ts')).latency,
    about: 'from an event to its subscriber',
    minutes: 1.5,
  },
  sustained: {
    load: async () => (await import('./sustained.ts')).sustained,
    about: 'how many events of a steady load are lost',
    minutes: 6,
  },
  enrichment: {
    load: async () => (await import('./enrichment.ts')).enrichment,
    about: 'what fields of jobs in events cost',
    minutes: 1,
  },
  idle: { load: async () => (await import('./idle.ts')).idleQueues, about: 'what 10,000 idle queues cost', minutes: 2 },
  cold: { load: async () => (await import('./cold.ts')).coldStart, about: 'the first run of a process', minutes: 0.5 },
  lambda: {
    load: async () => (await import('./lambda/lambda.ts')).lambda,
    about: "what the function does in control groups of Lambda's size, where there are some",
    minutes: 16,
  },
};

/** Such as `about 3 minutes`, for parts by their names. */
export function durationOf(names: readonly string[]): string {
  const minutes = names.reduce((sum, name) => sum + (PARTS[name]?.minutes ?? 0), 0);
  if (minutes < 1) return 'less than a minute';
  return minutes === 1 ? 'about a minute' : `about ${Math.ceil(minutes)} minutes`;
}
