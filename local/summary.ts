import { loadCheckpoints } from '../functions/checkpoint/positions.ts';
import { queueId } from '../functions/event/envelope.ts';
import type { ForwardResult } from '../functions/forward/handler.ts';
import type { Arrivals } from './arrivals.ts';
import { localClient } from './dynamodb.ts';
import { DEAD_LETTERS, type LocalStack, TABLE } from './stack.ts';
import type { StreamCount } from './streams.ts';
import type { Workload } from './workload.ts';

export interface SummaryInput {
  readonly stack: LocalStack;
  readonly workload: Workload | undefined;
  readonly results: readonly ForwardResult[];
  readonly arrivals: Arrivals;
  readonly counts: ReadonlyMap<string, StreamCount>;
  readonly sourceName: string;
  readonly prefix: string;
  readonly events: readonly string[];
}

/** Holds what Redis, the function and the subscriber say against each other. */
export async function summarize(input: SummaryInput): Promise<{ readonly lines: string[]; readonly faults: string[] }> {
  const { stack, workload, results, arrivals, counts, events } = input;
  const sum = (of: (result: ForwardResult) => number) => results.reduce((total, result) => total + of(result), 0);
  const written = [...counts.values()].reduce((total, count) => total + count.written, 0);
  const wanted = [...counts.values()].reduce(
    (total, count) => total + events.reduce((all, event) => all + (count.events.get(event) ?? 0), 0),
    0,
  );
  const figures = {
    jobs: workload?.added(),
    'events in Redis': `${written}, of which ${wanted} are forwarded by name`,
    published: sum((result) => result.published),
    filtered: sum((result) => result.filtered),
    parked: `${sum((result) => result.parked)} (${stack.bus.messages(DEAD_LETTERS).length} in the dead-letter queue)`,
    lost: sum((result) => result.lost),
    arrived: arrivals.distinct,
    duplicates: arrivals.duplicates,
    'event to subscriber': `p50 ${arrivals.latency(0.5) ?? '-'} ms, p99 ${arrivals.latency(0.99) ?? '-'} ms`,
    runs: results.length,
  };
  const rows = Object.entries(figures).filter(([, value]) => value !== undefined);
  const lines = rows.map(([name, value]) => `${name.padEnd(20)} ${value}`);
  return { lines: [...lines, ...(await positionLines(input))], faults: faultsOf(figures.lost, wanted, input) };
}

function faultsOf(lost: number, wanted: number, { workload, arrivals }: SummaryInput): string[] {
  if (!workload) return [];
  return [
    ...(lost > 0 ? [`${lost} events were lost.`] : []),
    ...(arrivals.distinct !== wanted
      ? [`Redis has ${wanted} events to forward, but ${arrivals.distinct} arrived.`]
      : []),
  ];
}

async function positionLines({ stack, counts, sourceName, prefix }: SummaryInput): Promise<string[]> {
  const keyOf = (queue: string) => queueId({ sourceName, prefix, queue });
  const table = { client: localClient(stack.tableUrl), table: TABLE, wait: async () => {} };
  const checkpoints = await loadCheckpoints(table, [...counts.keys()].map(keyOf));
  return [...counts.keys()].map((queue) => {
    const position = checkpoints.get(keyOf(queue))?.position;
    const place = position
      ? `${position.id}, entry ${position.ordinal ?? '?'} of ${counts.get(queue)?.written}`
      : 'none: nothing to read';
    return `${`position of ${queue}`.padEnd(20)} ${place}`;
  });
}
